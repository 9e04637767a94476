import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createParser } from 'eventsource-parser';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  type UpstreamApi,
  type UpstreamReply,
} from './index.js';

const SHARED = new URL('../../../shared/', import.meta.url);
const hasSchemas =
  existsSync(new URL('provider-schema', SHARED)) && existsSync(new URL('openai-schema', SHARED));

const opened: ScriptedUpstream[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((upstream) => upstream.close()));
});

async function open(options: ScriptedUpstreamOptions): Promise<ScriptedUpstream> {
  const upstream = await createScriptedUpstream(options);
  opened.push(upstream);
  return upstream;
}

const WEATHER_SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/** The same question on each wire, written by hand after the providers' documentation. */
function ask(
  upstream: ScriptedUpstream,
  streamed: boolean,
  extra: Record<string, unknown> = {},
): Promise<Response> {
  const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${upstream.origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ ...body, ...extra }),
    });
  switch (upstream.api) {
    case 'openai':
    case 'azure-openai':
      return post(upstream.api === 'openai' ? '/v1/chat/completions' : '/openai/v1/chat/completions', {
        model: 'gpt-4o',
        stream: streamed,
        messages: [{ role: 'user', content: 'How is the weather?' }],
        tools: [{ type: 'function', function: { name: 'weather', parameters: WEATHER_SCHEMA } }],
      });
    case 'anthropic':
      return post(
        '/v1/messages',
        {
          model: 'claude-sonnet-4-5',
          max_tokens: 100,
          stream: streamed,
          messages: [{ role: 'user', content: 'How is the weather?' }],
          tools: [{ name: 'weather', input_schema: WEATHER_SCHEMA }],
        },
        { 'anthropic-version': '2023-06-01' },
      );
    case 'gemini':
      return post(
        `/v1beta/models/gemini-2.5-flash:${streamed ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
        {
          contents: [{ role: 'user', parts: [{ text: 'How is the weather?' }] }],
          tools: [{ functionDeclarations: [{ name: 'weather', parameters: WEATHER_SCHEMA }] }],
        },
      );
  }
}

interface Event {
  readonly event: string | undefined;
  readonly data: string;
}

function eventsOf(text: string): Event[] {
  const events: Event[] = [];
  const parser = createParser({ onEvent: ({ event, data }) => events.push({ event, data }) });
  parser.feed(text);
  return events;
}

const SCRIPTS: Record<string, UpstreamReply> = {
  'a text': { text: 'It is sunny in Zürich 🌞, about 21 degrees.' },
  'a text with two tool calls': {
    text: 'Let me look.',
    toolCalls: [
      { name: 'weather', arguments: { city: 'Zürich', days: [1, 2] } },
      { name: 'weather', arguments: {} },
    ],
  },
  'a tool call alone': { toolCalls: [{ name: 'weather', arguments: { city: 'Bern' } }] },
  'an answer cut at its limit': { text: 'It is', finish: 'length' },
  'a filtered answer': { text: '', finish: 'content_filter' },
  'given usage': { text: 'x', usage: { promptTokens: 1000, completionTokens: 20, cachedTokens: 600 } },
  nothing: {},
};

describe.skipIf(!hasSchemas)('rendered answers against the published schemas (needs ../shared)', () => {
  const validators = new Map<string, ValidateFunction>();
  function load(file: string, draft: 'draft-07' | '2020', roots: Record<string, string>): void {
    if (!hasSchemas) return;
    const options = { strict: false, allErrors: true, validateFormats: false, logger: false } as const;
    const schema = JSON.parse(readFileSync(new URL(file, SHARED), 'utf8')) as { $id: string };
    const ajv = draft === '2020' ? new Ajv2020(options) : new Ajv(options);
    ajv.addSchema(schema);
    for (const [name, pointer] of Object.entries(roots)) {
      const validate = ajv.getSchema(`${schema.$id}#/${pointer}`);
      if (validate === undefined) throw new Error(`No schema ${pointer} in ${file}`);
      validators.set(name, validate);
    }
  }
  load('openai-schema/openai-chat.schema.json', '2020', {
    'openai answer': '$defs/CreateChatCompletionResponse',
    'openai chunk': '$defs/CreateChatCompletionStreamResponse',
    'openai error': '$defs/ErrorResponse',
    'openai models': '$defs/ListModelsResponse',
  });
  load('provider-schema/anthropic-messages.schema.json', 'draft-07', {
    'anthropic answer': 'definitions/WireMessage',
    'anthropic chunk': 'definitions/WireStreamEvent',
    'anthropic error': 'definitions/WireErrorResponse',
  });
  load('provider-schema/gemini-generatecontent.schema.json', 'draft-07', {
    'gemini answer': 'definitions/WireGenerateContentResponse',
    'gemini chunk': 'definitions/WireGenerateContentResponse',
  });

  function expectValid(name: string, value: unknown): void {
    const validate = validators.get(name);
    if (validate === undefined) throw new Error(`No validator ${name}`);
    expect(validate(value), `${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`).toBe(true);
  }

  const cases = (['openai', 'anthropic', 'gemini'] as const).flatMap((api) =>
    Object.entries(SCRIPTS).map(([name, reply]) => ({ api, name, reply })),
  );

  it.each(cases)('$api: $name', async ({ api, reply }) => {
    const upstream = await open({ api, reply: () => reply });
    const whole = await ask(upstream, false);
    expect(whole.status).toBe(200);
    expectValid(`${api} answer`, await whole.json());

    const extra = api === 'openai' ? { stream_options: { include_usage: true } } : {};
    const streamed = await ask(upstream, true, extra);
    expect(streamed.headers.get('content-type')).toContain('text/event-stream');
    const events = eventsOf(await streamed.text()).filter(({ data }) => data !== '[DONE]');
    expect(events.length).toBeGreaterThan(0);
    // The SDK's types, from which Anthropic's schema comes, leave the ping out.
    for (const { data, event } of events) if (event !== 'ping') expectValid(`${api} chunk`, JSON.parse(data));
  });

  // 413 is left out: the SDK's types, from which the schema comes, do not have the documented `request_too_large`.
  it.each([400, 401, 403, 404, 429, 500, 503, 529])('errors with status %i', async (status) => {
    for (const api of ['openai', 'anthropic'] as const) {
      const upstream = await open({ api });
      upstream.failNext({ kind: 'status', status });
      const answer = await ask(upstream, false);
      expect(answer.status).toBe(status);
      expectValid(`${api} error`, await answer.json());
    }
  });

  it('the list of OpenAI models', async () => {
    const upstream = await open({ api: 'openai' });
    const answer = await fetch(`${upstream.baseUrl}/models`);
    expectValid('openai models', await answer.json());
  });
});

/** Puts a stream together again in the plainest way, apart from any code of the router. */
function reassemble(api: UpstreamApi, events: readonly Event[]): { text: string; calls: unknown[] } {
  let text = '';
  const calls: { name: string; json: string }[] = [];
  for (const { data } of events) {
    if (data === '[DONE]') continue;
    const chunk = JSON.parse(data) as Record<string, unknown>;
    if (api === 'openai' || api === 'azure-openai') {
      const delta = (chunk.choices as { delta: Delta }[])[0]?.delta;
      text += delta?.content ?? '';
      for (const call of delta?.tool_calls ?? []) {
        if (call.id !== undefined) calls.push({ name: call.function.name ?? '', json: '' });
        calls[call.index]!.json += call.function.arguments;
      }
    } else if (api === 'anthropic') {
      const block = chunk.content_block as { type: string; name: string } | undefined;
      if (block?.type === 'tool_use') calls.push({ name: block.name, json: '' });
      const delta = chunk.delta as { text?: string; partial_json?: string } | undefined;
      text += delta?.text ?? '';
      if (delta?.partial_json !== undefined) calls.at(-1)!.json += delta.partial_json;
    } else {
      const parts = (chunk.candidates as { content: { parts: Part[] } }[])[0]!.content.parts;
      for (const part of parts) {
        text += part.text ?? '';
        if (part.functionCall)
          calls.push({ name: part.functionCall.name, json: JSON.stringify(part.functionCall.args) });
      }
    }
  }
  return {
    text,
    calls: calls.map(({ name, json }) => ({ name, arguments: JSON.parse(json || '{}') as unknown })),
  };
}

interface Delta {
  content?: string | null;
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[];
}

interface Part {
  text?: string;
  functionCall?: { name: string; args: unknown };
}

describe.each(['openai', 'azure-openai', 'anthropic', 'gemini'] as const)('the %s stream', (api) => {
  it('carries the text and the tool calls of the script, in several pieces', async () => {
    const reply = SCRIPTS['a text with two tool calls']!;
    const upstream = await open({
      api,
      reply: () => ({ ...reply, text: 'Zürich 🌞 and more than a handful of words to send.' }),
    });
    const events = eventsOf(await (await ask(upstream, true)).text());
    expect(reassemble(api, events)).toEqual({
      text: 'Zürich 🌞 and more than a handful of words to send.',
      calls: reply.toolCalls,
    });
    expect(events.length).toBeGreaterThan(5);
  });

  it('is repeatable with the same seed', async () => {
    const texts: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      const upstream = await open({ api, seed: 42, reply: () => SCRIPTS['a tool call alone']! });
      texts.push((await (await ask(upstream, true)).text()).replace(/"created":\d+/g, ''));
    }
    expect(texts[0]).toBe(texts[1]);
  });
});

describe('what only one wire does', () => {
  it('OpenAI sends usage in the stream only where it was asked for', async () => {
    const upstream = await open({ api: 'openai' });
    const without = await (await ask(upstream, true)).text();
    expect(without).not.toContain('usage');
    expect(without.endsWith('data: [DONE]\n\n')).toBe(true);

    const events = eventsOf(
      await (await ask(upstream, true, { stream_options: { include_usage: true } })).text(),
    );
    const chunks = events
      .slice(0, -1)
      .map(({ data }) => JSON.parse(data) as { choices: unknown[]; usage: unknown });
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: expect.any(Number) as number },
    });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(events.at(-1)?.data).toBe('[DONE]');
  });

  it('OpenAI gives as many choices as were wanted', async () => {
    const upstream = await open({ api: 'openai', reply: () => ({ text: 'Hi there' }) });
    const answer = (await (await ask(upstream, false, { n: 3 })).json()) as { choices: { index: number }[] };
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    const stream = await (await ask(upstream, true, { n: 2 })).text();
    expect(stream.match(/"finish_reason":"stop"/g)).toHaveLength(2);
  });

  it('Anthropic names its events, sends a ping, and counts cached tokens apart', async () => {
    const upstream = await open({ api: 'anthropic', reply: () => SCRIPTS['given usage']! });
    const events = eventsOf(await (await ask(upstream, true)).text());
    expect(events.map(({ event }) => event)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    for (const { event, data } of events) expect((JSON.parse(data) as { type: string }).type).toBe(event);
    expect(JSON.parse(events[5]!.data)).toMatchObject({
      usage: { input_tokens: 400, cache_read_input_tokens: 600, output_tokens: 20 },
    });
  });

  it('Gemini ends lines with CRLF, and without alt=sse sends one JSON array', async () => {
    const upstream = await open({ api: 'gemini' });
    const events = await (await ask(upstream, true)).text();
    expect(events.replaceAll('\r\n', '')).not.toContain('\n');
    expect(events.endsWith('\r\n\r\n')).toBe(true);

    const answer = await fetch(`${upstream.origin}/v1beta/models/gemini-2.5-flash:streamGenerateContent`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ parts: [{ text: 'Hello' }] }] }),
    });
    const chunks = (await answer.json()) as { candidates: { finishReason?: string }[] }[];
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.at(-1)!.candidates[0]!.finishReason).toBe('STOP');
  });

  it('every wire lists its models', async () => {
    const models = ['one', 'two'];
    const openai = await open({ api: 'openai', models });
    const anthropic = await open({ api: 'anthropic', models });
    const gemini = await open({ api: 'gemini', models });
    const list = async (url: string): Promise<unknown> => (await fetch(url)).json();
    expect(await list(`${openai.baseUrl}/models`)).toMatchObject({ data: [{ id: 'one' }, { id: 'two' }] });
    expect(await list(`${anthropic.baseUrl}/v1/models`)).toMatchObject({
      data: [{ id: 'one' }, { id: 'two' }],
    });
    expect(await list(`${gemini.baseUrl}/v1beta/models`)).toMatchObject({
      models: [{ name: 'models/one' }, { name: 'models/two' }],
    });
    expect(openai.requestCount).toBe(0);
  });
});

describe('the default reply', () => {
  const person = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 18 } },
    required: ['name', 'age'],
    additionalProperties: false,
  };

  it('names the model and says that it is simulated', async () => {
    const openai = await open({ api: 'openai' });
    expect(await (await ask(openai, false)).text()).toMatch(/simulated answer from gpt-4o\./);
  });

  it('calls the tool that the request insists on, with the arguments its schema requires', async () => {
    const openai = await open({ api: 'openai' });
    const anthropic = await open({ api: 'anthropic' });
    const gemini = await open({ api: 'gemini' });
    const named = { tool_choice: { type: 'function', function: { name: 'weather' } } };
    expect(await (await ask(openai, false, named)).json()).toMatchObject({
      choices: [
        {
          finish_reason: 'tool_calls',
          message: {
            content: null,
            tool_calls: [{ function: { name: 'weather', arguments: '{"city":"simulated"}' } }],
          },
        },
      ],
    });
    expect(await (await ask(anthropic, false, { tool_choice: { type: 'any' } })).json()).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'weather', input: { city: 'simulated' } }],
    });
    const toolConfig = { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } };
    expect(await (await ask(gemini, false, { toolConfig })).json()).toMatchObject({
      candidates: [
        {
          finishReason: 'STOP',
          content: { parts: [{ functionCall: { name: 'weather', args: { city: 'simulated' } } }] },
        },
      ],
    });
    expect(openai.requests[0]).toMatchObject({ tools: ['weather'], toolChoice: { name: 'weather' } });
    expect(anthropic.requests[0]).toMatchObject({ tools: ['weather'], toolChoice: 'required' });
    expect(gemini.requests[0]).toMatchObject({ tools: ['weather'], toolChoice: { name: 'weather' } });
  });

  it('answers in the JSON that was asked for', async () => {
    const openai = await open({ api: 'openai' });
    const anthropic = await open({ api: 'anthropic' });
    const gemini = await open({ api: 'gemini' });
    const responseFormat = { type: 'json_schema', json_schema: { name: 'person', schema: person } };
    const wanted = { name: 'simulated', age: 18 };
    const first = (await (await ask(openai, false, { response_format: responseFormat })).json()) as {
      choices: { message: { content: string } }[];
    };
    expect(JSON.parse(first.choices[0]!.message.content)).toEqual(wanted);
    const format = { output_config: { format: { type: 'json_schema', schema: person } } };
    const second = (await (await ask(anthropic, false, format)).json()) as { content: { text: string }[] };
    expect(JSON.parse(second.content[0]!.text)).toEqual(wanted);
    const generationConfig = { responseMimeType: 'application/json', responseJsonSchema: person };
    const third = (await (await ask(gemini, false, { generationConfig })).json()) as {
      candidates: { content: { parts: { text: string }[] } }[];
    };
    expect(JSON.parse(third.candidates[0]!.content.parts[0]!.text)).toEqual(wanted);
    expect([openai, anthropic, gemini].map(({ requests }) => requests[0]!.outputFormat)).toEqual([
      'json',
      'json',
      'json',
    ]);
  });

  it('keeps to the limit of the client', async () => {
    const anthropic = await open({ api: 'anthropic' });
    expect(await (await ask(anthropic, false, { max_tokens: 2 })).json()).toMatchObject({
      stop_reason: 'max_tokens',
      content: [{ text: 'This is ' }],
      usage: { output_tokens: 2 },
    });
    expect(anthropic.requests[0]!.maxOutputTokens).toBe(2);
  });
});
