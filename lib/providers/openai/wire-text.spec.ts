import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createParser } from 'eventsource-parser';
import { describe, expect, it } from 'vitest';
import { wireTextOf } from '../../chat/index.js';
import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import { adapterFor } from '../adapter-registry.js';
import type { ProviderCall } from '../provider-adapter.js';

const FIXTURES = new URL('../../../../shared/fixtures/openai/', import.meta.url);

const CALL: ProviderCall = {
  upstreamModel: 'm',
  request: { model: 'm', messages: [{ role: 'user', content: 'x' }] },
  stream: true,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

function translate(events: readonly string[]): ChatCompletionChunk[] {
  const translator = adapterFor('openai').createStreamTranslator(CALL);
  return [...events.flatMap((data) => translator.push({ data })), ...translator.end()];
}

const HEAD = '{"id":"c","object":"chat.completion.chunk","created":7,"model":"m","system_fingerprint":null';

describe('the text a chunk goes on as', () => {
  it('is the very text that came, odd spacing and order included, to the last chunk', () => {
    const events = [
      `${HEAD}, "choices" : [{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}`,
      `${HEAD},"choices":[{"delta":{"content":"\\u00e9"},"index":0,"logprobs":null,"finish_reason":null}],"usage":null}`,
      `${HEAD},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}`,
      `${HEAD},"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}`,
    ];
    expect([...translate([...events, '[DONE]'])].map(wireTextOf)).toEqual(events);
  });

  it.each([
    [
      'a custom tool',
      '{"tool_calls":[{"index":0,"id":"a","type":"custom","custom":{"name":"run","input":""}}]}',
      '{"tool_calls":[{"index":0,"custom":{"input":"1+1"}}]}',
    ],
    [
      'a function',
      '{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}',
      '{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}',
    ],
    [
      'a function of old',
      '{"function_call":{"name":"f","arguments":""}}',
      '{"function_call":{"arguments":"{}"}}',
    ],
  ])('is the text that came for a call of %s', (_name, ...deltas) => {
    const events = ['{"role":"assistant","content":null}', ...deltas].map(
      (delta) => `${HEAD},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":null}]}`,
    );
    const last = `${HEAD},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}`;
    expect(translate([...events, last, '[DONE]']).map(wireTextOf)).toEqual([...events, last]);
  });

  it.each([
    [
      'another id',
      `{"id":"d","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":null}]}`,
    ],
    [
      'a role again',
      `${HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":"b"},"finish_reason":null}]}`,
    ],
    ['no finish reason', `${HEAD},"choices":[{"index":0,"delta":{"content":"b"}}]}`],
    ['no index', `${HEAD},"choices":[{"delta":{"content":"b"},"finish_reason":null}]}`],
    [
      'null where the schema has none',
      `${HEAD},"choices":[{"index":0,"delta":{"content":"b","tool_calls":null},"finish_reason":null}]}`,
    ],
    [
      'thinking under another name',
      `${HEAD},"choices":[{"index":0,"delta":{"content":"b","reasoning":"r"},"finish_reason":null}]}`,
    ],
    [
      'an own __proto__',
      `${HEAD},"__proto__":{"a":1},"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":null}]}`,
    ],
    ['lines inside', `${HEAD},\n"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":null}]}`],
  ])('is ours where something had to be changed: %s', (_name, event) => {
    const first = `${HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"logprobs":null,"finish_reason":null}]}`;
    const last = `${HEAD},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}`;
    const [one, two] = translate([first, event, last, '[DONE]']);
    expect(wireTextOf(one!)).toBe(first);
    expect(wireTextOf(two!)).not.toBe(event);
    expect(JSON.parse(wireTextOf(two!))).toEqual(JSON.parse(JSON.stringify(two)));
    expect(wireTextOf(two!)).not.toMatch(/[\r\n]/);
  });

  it('a copy with something changed does not take it along', () => {
    const [chunk] = translate([
      `${HEAD},"choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"logprobs":null,"finish_reason":"stop"}]}`,
      '[DONE]',
    ]);
    expect(JSON.parse(wireTextOf({ ...chunk!, model: 'other' }))).toMatchObject({ model: 'other' });
  });

  it.skipIf(!existsSync(FIXTURES))(
    'is the recorded text for most of OpenAI’s own chunks (skipped where ../shared is absent)',
    () => {
      let [chunks, asTheyCame] = [0, 0];
      for (const name of readdirSync(FIXTURES).filter((file) => file.startsWith('chat.'))) {
        const recording = JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')) as {
          sse_raw?: string;
          status: number;
        };
        if (recording.sse_raw === undefined || recording.status >= 300) continue;
        const events: string[] = [];
        const parser = createParser({ onEvent: ({ data }) => events.push(data) });
        parser.feed(`${recording.sse_raw}\n\n`);
        let translated: ChatCompletionChunk[];
        try {
          translated = translate(events);
        } catch {
          // Errors inside streams are another suite's.
          continue;
        }
        const came = new Set(events);
        chunks += translated.length;
        asTheyCame += translated.filter((chunk) => came.has(wireTextOf(chunk))).length;
      }
      console.log(`OpenAI's recorded chunks passed on as they came: ${asTheyCame} of ${chunks}`);
      expect(asTheyCame / chunks).toBeGreaterThan(0.9);
    },
  );
});
