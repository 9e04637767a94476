import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import { type ChatRequest, estimateTokens, validateChatRequest } from '../chat/index.js';
import { extractFeatures } from './request-features.js';

function featuresOf(request: unknown) {
  return extractFeatures(validateChatRequest(request));
}

const user = (content: unknown): { role: 'user'; content: never } => ({
  role: 'user',
  content: content as never,
});

describe('estimateTokens', () => {
  // Today's tokenizers make 15 to 18 tokens of the English sentence and 0.6 to 1.2 of a Chinese or Japanese character.
  it.each([
    [
      'English',
      'The quick brown fox jumps over the lazy dog and runs into the deep forest. '.repeat(20),
      15,
      19,
    ],
    ['Chinese', '今天天气很好，我们一起去公园散步吧。'.repeat(20), 10, 20],
    ['Japanese', '今日は天気がいいので、公園に行きましょう。'.repeat(20), 10, 24],
  ])('is sane for %s', (_name, text, leastEach, mostEach) => {
    expect(estimateTokens(text)).toBeGreaterThanOrEqual(leastEach * 20);
    expect(estimateTokens(text)).toBeLessThanOrEqual(mostEach * 20);
  });

  it('is zero for nothing, and never less for more', () => {
    expect(estimateTokens('')).toBe(0);
    expect(estimateTokens('a')).toBe(1);
    expect(estimateTokens('ab'.repeat(50))).toBeGreaterThan(estimateTokens('ab'.repeat(40)));
  });
});

describe('extractFeatures', () => {
  it('takes under 20 ms for a 1 MB prompt', () => {
    const request = validateChatRequest({ messages: [user('word '.repeat(200_000))] });
    const features = extractFeatures(request);
    const tookMs = quickestMs(20, () => extractFeatures(request));
    console.info(`features of 1 MB: ${tookMs.toFixed(2)} ms`);
    expect(tookMs).toBeLessThan(20);
    expect(features.inputTokens).toBeGreaterThan(200_000);
    expect(features.questionCharacters).toBe(1_000_000);
  });

  it.each([
    ['one text', 'x'.repeat(1_000_000)],
    ['very many parts', Array.from({ length: 20_000 }, () => ({ type: 'text', text: 'y'.repeat(50) }))],
  ])('bounds what is read of the question: %s', (_name, content) => {
    const features = featuresOf({ messages: [user(content)] });
    expect(features.questionText.length).toBeLessThan(10_000);
    expect(features.questionCharacters).toBe(1_000_000);
  });

  it('reads the beginning and the end of a long question', () => {
    const { questionText } = featuresOf({ messages: [user(`BEGIN${'-'.repeat(100_000)}END`)] });
    expect(questionText.startsWith('BEGIN')).toBe(true);
    expect(questionText.endsWith('END')).toBe(true);
  });

  it('takes the last user turn, with all its text parts, over later assistant and tool turns', () => {
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{"q":1}' } };
    const features = featuresOf({
      messages: [
        { role: 'system', content: 'You are terse.' },
        user('first question'),
        user([
          { type: 'text', text: 'second' },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'text', text: 'question' },
        ]),
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'a', content: 'result' },
      ],
    });
    expect(features.questionText.split(/\s+/)).toEqual(['second', 'question']);
    expect(features.messageCount).toBe(5);
  });

  it('counts an image at about what the providers bill, whatever the length of its data', () => {
    const withImage = (url: string): number =>
      featuresOf({ messages: [user([{ type: 'image_url', image_url: { url } }])] }).inputTokens;
    expect(withImage('https://example.com/a.png')).toBe(
      withImage(`data:image/png;base64,${'A'.repeat(500_000)}`),
    );
    expect(withImage('https://example.com/a.png')).toBeGreaterThan(250);
    expect(withImage('https://example.com/a.png')).toBeLessThan(2_000);
  });

  const tool = {
    type: 'function',
    function: {
      name: 'look_up',
      description: 'd'.repeat(400),
      parameters: { type: 'object', properties: {} },
    },
  };

  it.each<[string, Partial<ChatRequest> | Record<string, unknown>, string[]]>([
    ['plain text', {}, []],
    ['a stream', { stream: true }, ['streaming']],
    ['a stream switched off', { stream: false }, []],
    ['tools', { tools: [tool] }, ['tools']],
    ['an empty tool list', { tools: [] }, []],
    ['nulls', { tools: null, response_format: null, logprobs: null, stream: null, n: null }, []],
    [
      'a JSON schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } },
      ['json_schema'],
    ],
    ['plain JSON', { response_format: { type: 'json_object' } }, []],
    ['logprobs', { logprobs: true }, ['logprobs']],
    [
      'an image',
      { messages: [user([{ type: 'image_url', image_url: { url: 'https://a.b/c' } }])] },
      ['vision'],
    ],
    [
      'audio',
      { messages: [user([{ type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } }])] },
      ['audio'],
    ],
    [
      'a file',
      { messages: [user([{ type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD' } }])] },
      ['documents'],
    ],
    ['a file by id', { messages: [user([{ type: 'file', file: { file_id: 'file-1' } }])] }, ['documents']],
  ])('says what %s needs of a model', (_name, extra, expected) => {
    expect(featuresOf({ messages: [user('x')], ...extra }).capabilities).toEqual(expected);
  });

  it('counts tools, tool calls, schemas, files and history into the prompt', () => {
    const base = featuresOf({ messages: [user('x')] }).inputTokens;
    expect(featuresOf({ messages: [user('x')], tools: [tool] }).inputTokens).toBeGreaterThan(base + 100);
    const schema = {
      type: 'json_schema',
      json_schema: { name: 'n', schema: { description: 's'.repeat(400) } },
    };
    expect(featuresOf({ messages: [user('x')], response_format: schema }).inputTokens).toBeGreaterThan(
      base + 100,
    );
    const file = { type: 'file', file: { file_data: 'A'.repeat(40_000) } };
    expect(featuresOf({ messages: [user([file])] }).inputTokens).toBeGreaterThan(base + 500);
    const calls = [
      { id: 'a', type: 'function', function: { name: 'f', arguments: 'z'.repeat(400) } },
      { id: 'b', type: 'custom', custom: { name: 'f', input: 'z'.repeat(400) } },
    ];
    const history = { messages: [user('x'), { role: 'assistant', content: null, tool_calls: calls }] };
    expect(featuresOf(history).inputTokens).toBeGreaterThan(base + 200);
  });

  it.each([
    [{ max_tokens: 50 }, 50],
    [{ max_completion_tokens: 60 }, 60],
    [{ max_tokens: 50, max_completion_tokens: 60 }, 60],
    [{ max_tokens: 50, max_completion_tokens: null }, 50],
    [{ max_tokens: null }, undefined],
    [{}, undefined],
  ])('reads the output limit of %j', (extra, expected) => {
    expect(featuresOf({ messages: [user('x')], ...extra }).requestedOutputTokens).toBe(expected);
  });

  it.each([
    ['none', false],
    [null, false],
    [undefined, false],
    ['minimal', true],
    ['high', true],
  ])('knows whether reasoning_effort %j asks for thinking', (effort, expected) => {
    expect(featuresOf({ messages: [user('x')], reasoning_effort: effort }).asksThinking).toBe(expected);
  });

  const mark = { cache_control: { type: 'ephemeral' } };
  const lookup = { type: 'function', function: { name: 'lookup' } };
  it.each<[string, object, boolean]>([
    ['no mark', { messages: [user('x')] }, false],
    ['a part marked', { messages: [user([{ type: 'text', text: 'x', ...mark }]), user('y')] }, true],
    ['a mark set to null', { messages: [user([{ type: 'text', text: 'x', cache_control: null }])] }, false],
    ['a tool marked', { messages: [user('x')], tools: [lookup, { ...lookup, ...mark }] }, true],
  ])('knows whether the prompt is to be cached: %s', (_name, request, expected) => {
    expect(featuresOf(request).marksCache).toBe(expected);
  });

  it("sees a schema in instructor's form as it sees OpenAI's", () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string', description: 'x'.repeat(4_000) } },
    };
    const loose = featuresOf({ messages: [user('x')], response_format: { type: 'json_object', schema } });
    expect(loose.capabilities).toEqual(['json_schema']);
    expect(loose.inputTokens).toBeGreaterThan(1_000);
    const bare = featuresOf({ messages: [user('x')], response_format: { type: 'json_object' } });
    expect(bare.capabilities).toEqual([]);
  });

  it('throws for no request that validation lets through', () => {
    const part = fc.record(
      {
        type: fc.constantFrom('text', 'image_url', 'file', 'input_audio', 'refusal'),
        text: fc.oneof(fc.string(), fc.constant(null)),
        refusal: fc.string(),
        image_url: fc.record({ url: fc.string() }),
        file: fc.dictionary(
          fc.constantFrom('file_data', 'file_id'),
          fc.oneof(fc.string(), fc.constant(null)),
        ),
        input_audio: fc.record({ data: fc.string(), format: fc.string() }),
      },
      { requiredKeys: ['type'] },
    );
    const named = fc.dictionary(
      fc.constantFrom('name', 'arguments', 'input', 'parameters', 'schema'),
      fc.oneof(fc.string(), fc.constant(null), fc.constant({})),
    );
    const typed = fc.record(
      { id: fc.string(), type: fc.constantFrom('function', 'custom'), function: named, custom: named },
      { requiredKeys: ['type'] },
    );
    const message = fc.record(
      {
        role: fc.constantFrom('user', 'assistant', 'tool', 'system'),
        content: fc.oneof(fc.string(), fc.constant(null), fc.array(part, { maxLength: 3 })),
        tool_calls: fc.oneof(fc.constant(null), fc.array(typed, { maxLength: 2 })),
        tool_call_id: fc.string(),
      },
      { requiredKeys: ['role', 'content'] },
    );
    let passed = 0;
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 2 }),
        fc.array(typed, { maxLength: 1 }),
        (messages, tools) => {
          let request;
          try {
            request = validateChatRequest({ messages, tools });
          } catch {
            return;
          }
          passed += 1;
          expect(extractFeatures(request).inputTokens).toBeGreaterThan(0);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(passed).toBeGreaterThan(50);
  });

  it('has nothing to read where there is no user turn', () => {
    const features = featuresOf({ messages: [{ role: 'system', content: 'Be kind.' }] });
    expect(features.questionText).toBe('');
    expect(features.questionCharacters).toBe(0);
  });
});
