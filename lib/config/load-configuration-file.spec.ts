import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ConfigurationError } from '../errors/configuration-error.js';
import { loadConfigurationFile } from './load-configuration-file.js';

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'llm-router-config-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function loaded(name: string, content: string | Buffer): Promise<unknown> {
  writeFileSync(at(name), content);
  return loadConfigurationFile(at(name));
}

async function refusalOf(file: string): Promise<ConfigurationError> {
  const thrown: unknown = await loadConfigurationFile(file).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ConfigurationError)) throw new Error(`not refused: ${String(thrown)}`);
  expect(thrown.issues.map(({ path }) => path)).toEqual([file]);
  expect(thrown.cause).toBeUndefined();
  return thrown;
}

describe('loadConfigurationFile', () => {
  it('says of a missing file that there is none', async () => {
    expect((await refusalOf(at('absent.yaml'))).message).toContain('there is no such file');
  });

  it('refuses a directory, a device and what cannot be reached', async () => {
    expect((await refusalOf(folder)).message).toContain('is not a file');
    expect((await refusalOf('/dev/zero')).message).toContain('is not a file');
    symlinkSync(at('loop'), at('loop'));
    expect((await refusalOf(at('loop'))).message).toContain('cannot be read (ELOOP)');
    writeFileSync(at('plain'), '{}');
    expect((await refusalOf(at('plain/below'))).message).toContain('cannot be read (ENOTDIR)');
  });

  it('takes a file of 1 MB and none above', async () => {
    const padded = (bytes: number): string => '{"strict": true}'.padEnd(bytes, ' ');
    expect(await loaded('full.json', padded(1024 * 1024))).toEqual({ strict: true });
    writeFileSync(at('over.json'), padded(1024 * 1024 + 1));
    expect((await refusalOf(at('over.json'))).message).toContain('is over 1 MB (1048577 bytes)');
  });

  it.each([
    ['broken JSON', '{"providers": {"a": {"apiKey": "canary-1"'],
    ['broken YAML', 'providers:\n  a: {apiKey: canary-1\n b: ['],
    ['a tab for an indent', 'providers:\n\ta: canary-1\n'],
    ['a key given twice', 'strict: canary-1\nstrict: canary-1\n'],
    ['two documents', 'a: canary-1\n---\nb: canary-1\n'],
    ['an alias of nothing', 'a: *canary-1\n'],
    [
      'aliases that multiply',
      `a: &a [canary-1]\n${Array.from('bcdefghi')
        .map(
          (name, index) =>
            `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index] ?? ''}`).join(',')}]`,
        )
        .join('\n')}\n`,
    ],
  ])('refuses %s, and shows nothing of what is in it', async (_name, content) => {
    writeFileSync(at('broken'), content);
    const { message } = await refusalOf(at('broken'));
    expect(message).toContain('is neither JSON nor YAML');
    expect(message).not.toContain('canary');
  });

  it.each(['', '# nothing\n', '[]', '- a\n', 'text', '5', 'null'])(
    'refuses %j: no object',
    async (content) => {
      writeFileSync(at('no-object'), content);
      expect((await refusalOf(at('no-object'))).message).toContain('must hold an object at its top');
    },
  );

  it('reads JSON and YAML of one value the same, however it is laid out', async () => {
    const name = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('__proto__', 'constructor', 'no', '1', 'null', '~', '<<'),
    );
    const leaf = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(name, tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, tree, { maxKeys: 4 }),
        fc.constantFrom(0, 2, '\t'),
        async (value, indent) => {
          const json = JSON.stringify(value, null, indent);
          const expected: unknown = JSON.parse(json);
          expect(await loaded('same.json', json)).toEqual(expected);
          expect(await loaded('same.yaml', stringify(JSON.parse(json)))).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('reads what people write: comments, a byte order mark, empty values, Windows line ends', async () => {
    const yaml =
      '\uFEFF# ours\r\nrouting_rules:\r\n  simple_queries: { primary: gpt-4 } # cheap\r\nsurfaces:\r\n';
    expect(await loaded('people.yaml', yaml)).toEqual({
      routing_rules: { simple_queries: { primary: 'gpt-4' } },
      surfaces: null,
    });
  });
});
