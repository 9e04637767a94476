import { describe, expect, it } from 'vitest';
import { geminiEmbeddings } from './gemini-embeddings.js';

function parse(values: readonly number[], dimensions?: number): readonly unknown[] {
  const request = {
    model: 'e',
    input: ['x'],
    sentInput: 'x',
    encodingFormat: 'float',
    dimensions,
    user: undefined,
    extras: {},
  } as const;
  return geminiEmbeddings.parseAnswer({ embeddings: [{ values }] }, { upstreamModel: 'e', request }).vectors;
}

describe('geminiEmbeddings', () => {
  it('brings a vector of any length to length 1', () => {
    expect(parse([3, 4], 2)).toEqual([[0.6, 0.8]]);
    // More numbers than a call may have arguments.
    expect(
      parse(
        Array.from({ length: 400_000 }, () => 2),
        400_000,
      ),
    ).toHaveLength(1);
  });

  it('refuses a number that JSON can say and not write again', () => {
    expect(() => parse([1, JSON.parse('1e999') as number])).toThrow(
      expect.objectContaining({ kind: 'bad_response' }),
    );
  });
});
