import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from './index.js';

describe('the official OpenAI client', () => {
  let upstream: ScriptedUpstream;
  let client: OpenAI;

  beforeEach(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', requireKey: 'sk-test' });
    client = new OpenAI({ apiKey: 'sk-test', baseURL: upstream.baseUrl, maxRetries: 0 });
  });
  afterEach(() => upstream.close());

  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: 'user', content: 'How is the weather in Bern?' },
  ];
  const tools: OpenAI.ChatCompletionTool[] = [
    {
      type: 'function',
      function: {
        name: 'weather',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ];

  it('gets a whole answer', async () => {
    upstream.setReply((request) => ({ text: `You said: ${request.lastUserText}` }));
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages });
    expect(answer.choices[0]?.message.content).toBe('You said: How is the weather in Bern?');
    expect(answer.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 10, total_tokens: 17 });
  });

  it('gets a stream, with its usage', async () => {
    upstream.setReply(() => ({ text: 'It is sunny in Bern 🌞.' }));
    const stream = client.chat.completions.stream({
      model: 'gpt-4o',
      messages,
      stream_options: { include_usage: true },
    });
    const deltas: string[] = [];
    stream.on('content', (delta) => deltas.push(delta));
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]?.message.content).toBe('It is sunny in Bern 🌞.');
    expect(deltas.length).toBeGreaterThan(3);
    expect(answer.usage?.completion_tokens).toBe(6);
  });

  it.each([false, true])('gets tool calls and answers them (streamed: %s)', async (streamed) => {
    upstream.setReply((request) =>
      JSON.stringify(request.body).includes('21 degrees')
        ? { text: 'It is 21 degrees.' }
        : {
            toolCalls: [
              { name: 'weather', arguments: { city: 'Bern' } },
              { name: 'weather', arguments: { city: 'Zürich' } },
            ],
          },
    );
    const ask = async (history: OpenAI.ChatCompletionMessageParam[]): Promise<OpenAI.ChatCompletion> =>
      streamed
        ? client.chat.completions.stream({ model: 'gpt-4o', messages: history, tools }).finalChatCompletion()
        : client.chat.completions.create({ model: 'gpt-4o', messages: history, tools });
    const first = (await ask(messages)).choices[0]!;
    expect(first.finish_reason).toBe('tool_calls');
    const calls = first.message.tool_calls!.filter((call) => call.type === 'function');
    expect(calls.map((call) => JSON.parse(call.function.arguments) as unknown)).toEqual([
      { city: 'Bern' },
      { city: 'Zürich' },
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    const results = calls.map((call): OpenAI.ChatCompletionMessageParam => ({
      role: 'tool',
      tool_call_id: call.id,
      content: '21 degrees',
    }));
    const second = await ask([...messages, first.message, ...results]);
    expect(second.choices[0]?.message.content).toBe('It is 21 degrees.');
  });

  it('lists the models', async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toContain('gpt-4-turbo');
  });

  it('raises the errors it knows', async () => {
    const ask = (): Promise<unknown> => client.chat.completions.create({ model: 'gpt-4o', messages });
    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 3 });
    await expect(ask()).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    upstream.failNext({ kind: 'status', status: 500 });
    await expect(ask()).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    client.apiKey = 'sk-other';
    await expect(ask()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('raises an error in mid-stream, and on a cut', async () => {
    const read = async (): Promise<void> => {
      const stream = await client.chat.completions.create({ model: 'gpt-4o', messages, stream: true });
      for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
    };
    upstream.failNext({ kind: 'stream_error', afterChunks: 2 });
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    upstream.failNext({ kind: 'cut', afterChunks: 2 });
    await expect(read()).rejects.toThrow();
  });

  it('aborts: the upstream sees it', async () => {
    upstream.failNext({ kind: 'stalled', after: 'first_token' });
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) stream.controller.abort();
    await upstream.whenAborted(1);
    expect(upstream.abortedCount).toBe(1);
  });
});
