import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adapterFor, type ProviderApi } from '../adapter-registry.js';
import { readChunks, readCompletion } from './read-ours.spec-support.js';
import { parseArguments, type ReadChoice } from './reading.spec-support.js';
import { PLAIN_CALL, translate } from './translate.spec-support.js';

interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: object;
}

/** What an upstream has to say, whatever else it puts around it. */
interface Answer {
  readonly text: string;
  readonly calls: readonly Call[];
}

/** A piece that no version of an API has had so far. */
interface Noise {
  readonly type: string;
  readonly payload: unknown;
}

const STRANGE = ['hologram', 'text_v2', 'tool_use_preview', '__proto__', 'constructor', ''];

const answer: fc.Arbitrary<Answer> = fc.record({
  text: fc.string({ unit: 'grapheme', maxLength: 30 }),
  calls: fc.uniqueArray(
    fc.record({
      id: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/),
      name: fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,20}$/),
      input: fc
        .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }))
        // As it is after a way over the wire.
        .map((input) => JSON.parse(JSON.stringify(input)) as object),
    }),
    { maxLength: 3, selector: ({ id }) => id },
  ),
});

const noises: fc.Arbitrary<Noise[]> = fc.array(
  fc.record({ type: fc.constantFrom(...STRANGE), payload: fc.jsonValue({ maxDepth: 2 }) }),
  { maxLength: 4 },
);

/** Puts each piece of noise between two others. */
function scatter<Item>(items: readonly Item[], noise: readonly Item[]): Item[] {
  const mixed = [...items];
  noise.forEach((piece, index) => mixed.splice((index * 7) % (mixed.length + 1), 0, piece));
  return mixed;
}

interface Wire {
  whole(said: Answer, noise: readonly Noise[]): unknown;
  stream(said: Answer, noise: readonly Noise[]): unknown[];
}

const openAi: Wire = {
  whole: ({ text, calls }, noise) => ({
    id: 'a',
    strange: noise,
    choices: [
      {
        index: 0,
        strange: noise,
        message: {
          role: 'assistant',
          content: scatter<unknown>([{ type: 'text', text }], noise),
          hologram: noise,
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: 'function',
            strange: noise,
            function: { name, arguments: JSON.stringify(input) },
          })),
        },
        finish_reason: noise[0]?.type ?? 'stop',
      },
    ],
  }),
  stream: ({ text, calls }, noise) => {
    const chunk = (delta: object, finishReason: string | null = null): unknown => ({
      id: 'a',
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    });
    const pieces = [
      chunk({ role: 'assistant', content: text }),
      ...calls.flatMap(({ id, name, input }, index) => [
        chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        chunk({ tool_calls: [{ index, function: { arguments: JSON.stringify(input) } }] }),
      ]),
    ];
    const strange = noise.map((piece) =>
      piece.type === '' ? { choices: [], piece } : chunk({ hologram: piece }),
    );
    return [...scatter(pieces, strange), chunk({}, noise[0] === undefined ? 'stop' : noise[0].type || null)];
  },
};

const anthropic: Wire = {
  whole: ({ text, calls }, noise) => ({
    type: 'message',
    content: scatter<unknown>(
      [
        { type: 'text', text },
        ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input })),
      ],
      noise,
    ),
    stop_reason: noise[0]?.type ?? 'end_turn',
    strange: noise,
  }),
  stream: ({ text, calls }, noise) => {
    const block = (index: number, start: object, delta: object): unknown[] => [
      { type: 'content_block_start', index, content_block: start },
      { type: 'content_block_delta', index, delta: { type: 'hologram_delta', text: 'never' } },
      { type: 'content_block_delta', index, delta },
      { type: 'content_block_stop', index },
    ];
    const strange = noise.flatMap((piece, index): unknown[] =>
      index % 2 === 0
        ? [piece]
        : [
            { type: 'content_block_start', index: 100 + index, content_block: piece },
            { type: 'content_block_delta', index: 100 + index, delta: piece },
            { type: 'content_block_stop', index: 100 + index },
          ],
    );
    return [
      { type: 'message_start', message: { id: 'a', content: [] } },
      ...scatter<unknown>(
        [
          ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text }),
          ...calls.flatMap(({ id, name, input }, index) =>
            block(
              index + 1,
              { type: 'tool_use', id, name, input: {} },
              { type: 'input_json_delta', partial_json: JSON.stringify(input) },
            ),
          ),
        ],
        strange,
      ),
      { type: 'message_delta', delta: { stop_reason: noise[0]?.type ?? 'end_turn' } },
      { type: 'message_stop' },
    ];
  },
};

const gemini: Wire = {
  whole: ({ text, calls }, noise) => ({
    strange: noise,
    candidates: [
      {
        content: {
          parts: scatter<unknown>(
            [{ text }, ...calls.map(({ id, name, input }) => ({ functionCall: { id, name, args: input } }))],
            noise.map(({ type, payload }) => ({ [`new_${type}`]: payload })),
          ),
        },
        finishReason: noise[0]?.type === '' ? 'STOP' : (noise[0]?.type ?? 'STOP'),
      },
    ],
  }),
  stream: ({ text, calls }, noise) => [
    ...scatter<unknown>(
      [
        { candidates: [{ content: { parts: [{ text }] } }] },
        ...calls.map(({ id, name, input }) => ({
          candidates: [{ content: { parts: [{ functionCall: { id, name, args: input } }] } }],
        })),
      ],
      noise.map(({ type, payload }, index) =>
        index % 2 === 0
          ? { [`new_${type}`]: payload }
          : { candidates: [{ content: { parts: [{ [`new_${type}`]: payload }] } }] },
      ),
    ),
    { candidates: [{ finishReason: noise[0]?.type === '' ? 'STOP' : (noise[0]?.type ?? 'STOP') }] },
  ],
};

const WIRES: readonly [ProviderApi, Wire][] = [
  ['openai', openAi],
  ['openai-compatible', openAi],
  ['azure-openai', openAi],
  ['anthropic', anthropic],
  ['gemini', gemini],
];

/** OpenAI itself is believed when it says `stop`: of a call forced by name. */
function expectSaid(choices: readonly ReadChoice[], { text, calls }: Answer): void {
  expect(choices).toHaveLength(1);
  expect({ text: choices[0]?.text, calls: choices[0]?.toolCalls }).toEqual({
    text,
    calls: calls.map(({ id, name, input }) => ({
      id,
      name,
      arguments: parseArguments(JSON.stringify(input)),
    })),
  });
  expect(choices[0]?.finishReason).toMatch(calls.length > 0 ? /^(?:tool_calls|stop)$/ : /^stop$/);
}

describe.each(WIRES)('what nobody knows yet, from %s', (api, wire) => {
  it('takes nothing from a whole answer', () => {
    fc.assert(
      fc.property(answer, noises, (said, noise) => {
        const { completion } = adapterFor(api).parseAnswer(wire.whole(said, noise), PLAIN_CALL);
        expectSaid(readCompletion(completion).choices, said);
      }),
      { numRuns: 200 },
    );
  });

  it('takes nothing from a stream', () => {
    fc.assert(
      fc.property(answer, noises, (said, noise) => {
        const events = wire.stream(said, noise).map((payload) => ({ data: JSON.stringify(payload) }));
        const end = api === 'anthropic' || api === 'gemini' ? [] : [{ data: '[DONE]' }];
        const { chunks, error } = translate(api, [...events, ...end]);
        // Nothing said at all, and not even the reason for it, is a cut at OpenAI itself and at Anthropic.
        if (noise[0]?.type === '' && api !== 'openai-compatible' && api !== 'gemini') {
          expect(error).toMatchObject({ kind: 'stream_cut' });
          return;
        }
        expect(error).toBeUndefined();
        expectSaid(readChunks(chunks).choices, said);
      }),
      { numRuns: 200 },
    );
  });
});
