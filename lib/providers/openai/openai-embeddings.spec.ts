import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../errors/provider-error.js';
import { openAiEmbeddings } from './openai-embeddings.js';

const wire = openAiEmbeddings(() => '/embeddings', { prefersBase64: false });

function vectorsOf(data: readonly unknown[], count = data.length): readonly unknown[] {
  const input = Array.from({ length: count }, () => 'x');
  return wire.parseAnswer(
    { data },
    {
      upstreamModel: 'm',
      request: {
        model: 'm',
        input,
        sentInput: input,
        encodingFormat: 'base64',
        dimensions: undefined,
        user: undefined,
        extras: {},
      },
    },
  ).vectors;
}

function refusalOf(data: readonly unknown[], count?: number): unknown {
  try {
    return vectorsOf(data, count);
  } catch (error) {
    expect(error).toBeInstanceOf(ProviderError);
    return error;
  }
}

/** 1.0 as a 32-bit float, the lowest byte first. */
const ONE = 'AACAPw==';

describe('openAiEmbeddings', () => {
  it('puts answers in the order of their index, or of their place where they have none', () => {
    expect(
      vectorsOf([
        { index: 2, embedding: [3] },
        { index: 0, embedding: [1] },
        { index: 1, embedding: [2] },
      ]),
    ).toEqual([[1], [2], [3]]);
    expect(vectorsOf([{ embedding: [1] }, { embedding: [2] }])).toEqual([[1], [2]]);
  });

  it.each([
    [
      'an index twice',
      [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
      2,
    ],
    [
      'the last index twice',
      [
        { index: 1, embedding: [1] },
        { index: 1, embedding: [2] },
      ],
      2,
    ],
    [
      'an index beyond the inputs',
      [
        { index: 0, embedding: [1] },
        { index: 2, embedding: [2] },
      ],
      2,
    ],
    [
      'an index twice, and one vector more',
      [
        { index: 0, embedding: [1] },
        { index: 1, embedding: [2] },
        { index: 1, embedding: [3] },
      ],
      2,
    ],
    ['one vector too few', [{ index: 0, embedding: [1] }], 2],
  ])('refuses %s', (_name, data, count) => {
    expect(refusalOf(data, count)).toMatchObject({
      kind: 'bad_response',
      providerCode: 'missing_embeddings',
    });
  });

  it('takes base64 of whole 32-bit floats, padded or not, in lines or not', () => {
    const texts = [ONE, 'AACAPw', 'AACA\r\nPw==\n', 'AACAPwAAAEA='];
    expect(vectorsOf(texts.map((embedding) => ({ embedding })))).toEqual(texts);
  });

  it.each(['', 'abc', 'AA==', 'AACAPwA=', '====', '!!!!', 'Rate limited.', '{"a":1}', '\n'])(
    'refuses base64 that is no vector: %j',
    (embedding) => {
      expect(refusalOf([{ embedding }])).toMatchObject({ kind: 'bad_response' });
    },
  );

  it.each([[[]], [[1, '2']], [[null]], [null], [undefined], [{}]])('refuses %j as a vector', (embedding) => {
    expect(refusalOf([{ embedding }])).toMatchObject({ kind: 'bad_response' });
  });

  it('refuses a number that JSON can say and not write again', () => {
    const data = JSON.parse('[{"embedding":[0.1,1e999]}]') as unknown[];
    expect(refusalOf(data)).toMatchObject({ kind: 'bad_response' });
  });

  it('refuses a long text of line ends as fast as it reads it', () => {
    const begun = performance.now();
    expect(refusalOf([{ embedding: `${'\n'.repeat(1_000_000)}!` }])).toMatchObject({ kind: 'bad_response' });
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
