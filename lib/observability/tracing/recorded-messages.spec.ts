import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk, ChatCompletionMessageParam } from '../../chat/index.js';
import { MAX_RECORDED_LENGTH, recordInput, recordOutput, StreamedOutput } from './recorded-messages.js';

/** What frames and the mark of a cut may add. */
const MARGIN = 2 * 1024;

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\n'.repeat(20_000), '"'.repeat(40_000), 'x'.repeat(50_000), '\ud800'),
);
const message: fc.Arbitrary<ChatCompletionMessageParam> = fc.oneof(
  fc.record({ role: fc.constantFrom('system' as const, 'user' as const), content: text }),
  fc.record({ role: fc.constant('tool' as const), tool_call_id: text, content: text }),
  fc.record({
    role: fc.constant('assistant' as const),
    content: fc.constant(null),
    tool_calls: fc.array(
      fc.record({
        id: text,
        type: fc.constant('function' as const),
        function: fc.record({ name: text, arguments: text }),
      }),
      { maxLength: 3 },
    ),
  }),
);

describe('what is recorded of messages', () => {
  it('is JSON, and no longer than it may be', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        const { text: recorded, isCut } = recordInput(messages);
        expect(recorded.length).toBeLessThanOrEqual(MAX_RECORDED_LENGTH + MARGIN);
        const read = JSON.parse(recorded) as object[];
        if (!isCut) expect(read).toHaveLength(messages.length);
        if (recorded.length < MAX_RECORDED_LENGTH / 2 && !isCut) expect(recorded).not.toContain('[cut off]');
      }),
      { numRuns: 200 },
    );
  });

  it('says where it was cut', () => {
    const { text: recorded, isCut } = recordInput([
      { role: 'user', content: 'x'.repeat(MAX_RECORDED_LENGTH) },
      { role: 'user', content: 'not any more' },
    ]);
    expect(isCut).toBe(true);
    expect(recorded).toContain('x… [cut off]');
    expect(recorded).not.toContain('not any more');
  });

  it('names an image and does not hold it', () => {
    const url = 'data:image/png;base64,AAAA';
    const { text: recorded } = recordInput([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ]);
    expect(JSON.parse(recorded)).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'Look' }, { type: 'image_url' }] },
    ]);
  });
});

describe('what is recorded of a stream', () => {
  const chunkOf = (index: number, delta: object, reason: string | null = null): ChatCompletionChunk =>
    ({ choices: [{ index, delta, finish_reason: reason }] }) as unknown as ChatCompletionChunk;

  it('is what would be recorded of the whole answer', () => {
    const streamed = new StreamedOutput();
    streamed.chunk(chunkOf(0, { role: 'assistant', content: 'Let me ' }));
    streamed.chunk(chunkOf(0, { content: 'see' }));
    const call = { index: 0, id: 'call_1', function: { name: 'look_up', arguments: '{"q"' } };
    streamed.chunk(chunkOf(0, { tool_calls: [call] }));
    streamed.chunk(chunkOf(0, { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }));
    streamed.chunk(chunkOf(0, {}, 'tool_calls'));
    expect(streamed.record()).toEqual(
      recordOutput({
        choices: [
          {
            index: 0,
            logprobs: null,
            finish_reason: 'tool_calls',
            message: {
              role: 'assistant',
              content: 'Let me see',
              refusal: null,
              tool_calls: [
                { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"q":1}' } },
              ],
            },
          },
        ],
      }),
    );
  });

  it('keeps no more than is recorded, whatever comes', () => {
    const streamed = new StreamedOutput();
    for (let index = 0; index < 10_000; index += 1)
      streamed.chunk(chunkOf(index, { content: 'x'.repeat(100) }));
    const { text: recorded, isCut } = streamed.record();
    expect(recorded.length).toBeLessThan(MAX_RECORDED_LENGTH + 128 * 128);
    expect(JSON.parse(recorded)).toHaveLength(128);
    for (let count = 0; count < 1_000; count += 1) streamed.chunk(chunkOf(0, { content: 'x'.repeat(100) }));
    expect(isCut || streamed.record().isCut).toBe(true);
  });
});
