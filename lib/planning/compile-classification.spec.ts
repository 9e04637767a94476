import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInWeights } from '../classification/trained/built-in-weights.js';
import type { ClassificationPolicy } from '../classification/index.js';
import { ConfigurationError } from '../errors/index.js';
import { compileOptions } from './compile-options.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'compile-classification-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function compile(classification: object, upstreamModel = 'model'): ClassificationPolicy {
  const options = {
    providers: { one: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: { model: { provider: 'one', upstreamModel } },
    routingRules: { simple_queries: { primary: 'model' } },
    classification,
  };
  return compileOptions(options, {}).policy.classification;
}

describe('the classification of a policy', () => {
  it('has the same keys for the same plug-ins, compiled again, and others for others', () => {
    const weights = Buffer.from(builtInWeights, 'base64');
    const file = join(directory, 'weights.bin');
    writeFileSync(file, weights);
    const given = {
      classifier: { classify: () => undefined, timeoutMs: 50 },
      judge: { model: 'model' },
      examples: { model: 'model', classes: { simple_queries: ['Hello'] } },
    };
    const keysOf = ({ scorer, classifier, judge, examples }: ClassificationPolicy): unknown[] =>
      [scorer, classifier, judge, examples].map((one) => one?.key);
    const first = keysOf(compile({ ...given, weights: file }));
    expect(new Set(first).size).toBe(4);
    const again = keysOf(compile({ ...given, weights }));
    expect(again).toEqual(first);
    expect(again[1]).toBe(given.classifier.classify);
    const other = keysOf(compile({ ...given, weights, classifier: { classify: () => null } }, 'other'));
    expect(other[0]).toBe(first[0]);
    for (const place of [1, 2, 3]) expect(other[place]).not.toBe(first[place]);
  });

  it.each([
    ['/dev/null', '"/dev/null": The classifier\'s weights file is no regular file'],
    [tmpdir(), `"${tmpdir()}": The classifier's weights file is no regular file`],
    ['none.bin', '"none.bin" is not there; a relative path begins at the working directory'],
  ])('reads no weights out of %s: %s', (file, message) => {
    let refusal: unknown;
    try {
      compile({ weights: file });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect((refusal as ConfigurationError).issues).toEqual([{ path: 'classification.weights', message }]);
  });
});
