import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamReply,
  type UpstreamRequest,
} from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const CLAUDE = 'claude-sonnet-4-5';
const ADAPTIVE_CLAUDE = 'claude-opus-4-6';
const GEMINI = 'gemini-3-pro-preview';
const GPT = 'gpt-4.1';

const TOOLS: OpenAI.ChatCompletionTool[] = [
  { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } },
];

type Message = OpenAI.ChatCompletionMessageParam;

const lastRole = ({ body }: UpstreamRequest): unknown => {
  const turns = (body.messages ?? body.contents) as { role: string; content?: unknown; parts?: unknown }[];
  return JSON.stringify(turns.at(-1)).includes('tool_result') ||
    JSON.stringify(turns.at(-1)).includes('functionResponse') ||
    turns.at(-1)?.role === 'tool'
    ? 'tool'
    : 'user';
};

/** Thinks and calls its tool first, and answers once it has the result. */
const agent = (request: UpstreamRequest): UpstreamReply =>
  lastRole(request) === 'tool'
    ? { text: `Sunny, says ${request.model}.`, thinking: 'The tool said so.' }
    : { thinking: 'I must look it up.', toolCalls: [{ name: 'weather', arguments: {} }] };

/** What clients that know nothing of thinking keep of an answer. */
function plain(message: OpenAI.ChatCompletionMessage): Message {
  return {
    role: 'assistant',
    content: message.content,
    tool_calls: message.tool_calls?.map((call) => ({
      id: call.id,
      type: 'function' as const,
      function: call.type === 'function' ? call.function : { name: '', arguments: '' },
    })),
  };
}

describe.each(PLATFORMS)('thinking survives the round trip on %s', (platform) => {
  let anthropic: ScriptedUpstream;
  let gemini: ScriptedUpstream;
  let openai: ScriptedUpstream;
  let router: RouterApp | undefined;

  beforeAll(async () => {
    [anthropic, gemini, openai] = await Promise.all([
      createScriptedUpstream({ api: 'anthropic', reply: agent }),
      createScriptedUpstream({ api: 'gemini', reply: agent }),
      createScriptedUpstream({ api: 'openai', reply: agent }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([anthropic.close(), gemini.close(), openai.close()]);
  });
  afterEach(async () => {
    await router?.close();
    router = undefined;
  });

  async function open(more: Record<string, unknown> = {}): Promise<OpenAI> {
    router = await createRouterApp({
      platform,
      options: {
        providers: {
          anthropic: { api: 'anthropic', baseUrl: anthropic.baseUrl, apiKey: 'k' },
          gemini: { api: 'gemini', baseUrl: gemini.baseUrl, apiKey: 'k' },
          openai: { api: 'openai', baseUrl: openai.baseUrl, apiKey: 'k' },
        },
        routingRules: { simple_queries: { primary: CLAUDE } },
        clientModel: 'binding',
        ...more,
      },
    });
    return new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'any', maxRetries: 0 });
  }

  const ask = (model: string, messages: Message[]): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
    model,
    messages,
    tools: TOOLS,
    reasoning_effort: 'high',
  });

  async function complete(
    client: OpenAI,
    streamed: boolean,
    model: string,
    messages: Message[],
  ): Promise<OpenAI.ChatCompletionMessage> {
    const request = ask(model, messages);
    if (!streamed) {
      const { choices } = await client.chat.completions.create(request);
      return choices[0]!.message;
    }
    return client.chat.completions.stream({ ...request, stream: true }).finalMessage();
  }

  const question: Message = { role: 'user', content: 'How is the weather?' };
  const resultFor = (message: OpenAI.ChatCompletionMessage): Message => ({
    role: 'tool',
    tool_call_id: message.tool_calls![0]!.id,
    content: 'sunny',
  });
  const lastBody = (upstream: ScriptedUpstream): string => JSON.stringify(upstream.requests.at(-1)!.body);

  describe.each([
    ['whole', false],
    ['streamed', true],
  ])('%s', (_name, streamed) => {
    it.each([CLAUDE, ADAPTIVE_CLAUDE])(
      '%s gets its signed thinking back from a client that lost it',
      async (model) => {
        const client = await open();
        const called = await complete(client, streamed, model, [question]);
        const answer = await complete(client, streamed, model, [question, plain(called), resultFor(called)]);
        expect(answer.content).toBe(`Sunny, says ${model}.`);
        const { body } = anthropic.requests.at(-1)!;
        expect(body.thinking).toBeDefined();
        const turn = (body.messages as { content: { type: string; thinking?: string }[] }[])[1]!;
        expect(turn.content.map(({ type }) => type)).toEqual(['thinking', 'tool_use']);
        expect(turn.content[0]!.thinking).toBe('I must look it up.');
      },
    );

    it('Gemini 3 gets its thought signatures back', async () => {
      const client = await open();
      const called = await complete(client, streamed, GEMINI, [question]);
      const answer = await complete(client, streamed, GEMINI, [question, plain(called), resultFor(called)]);
      expect(answer.content).toBe(`Sunny, says ${GEMINI}.`);
      expect(lastBody(gemini)).toContain('"thoughtSignature":"c2ltdWxhdGVk');
      expect(lastBody(gemini)).not.toContain('skip_thought_signature_validator');
    });

    it.each([
      [CLAUDE, GEMINI],
      [CLAUDE, GPT],
      [GEMINI, CLAUDE],
      [GPT, CLAUDE],
      [GEMINI, GPT],
    ])('a turn that %s began goes on at %s', async (first, second) => {
      const client = await open();
      const called = await complete(client, streamed, first, [question]);
      const answer = await complete(client, streamed, second, [question, plain(called), resultFor(called)]);
      expect(answer.content).toBe(`Sunny, says ${second}.`);
      const body = lastBody({ [CLAUDE]: anthropic, [GEMINI]: gemini, [GPT]: openai }[second]!);
      // Another maker's thinking reaches nobody.
      expect(body).not.toContain('I must look it up.');
      expect(body).not.toMatch(/reasoning_content|reasoning_details|extra_content/);
    });
  });

  it('a client that keeps the thinking itself needs no memory', async () => {
    const client = await open({ reasoningMemory: { enabled: false } });
    const called = await complete(client, false, CLAUDE, [question]);
    const kept = {
      ...plain(called),
      reasoning_details: (called as { reasoning_details?: unknown }).reasoning_details,
    };
    const answer = await complete(client, false, CLAUDE, [question, kept, resultFor(called)]);
    expect(answer.content).toBe(`Sunny, says ${CLAUDE}.`);
    expect(lastBody(anthropic)).toContain('"type":"thinking"');
  });

  it('without memory, lost thinking is left out and thinking goes off for the turn', async () => {
    const client = await open({ reasoningMemory: { enabled: false } });
    const called = await complete(client, false, CLAUDE, [question]);
    const answer = await complete(client, false, CLAUDE, [question, plain(called), resultFor(called)]);
    expect(answer.content).toBe(`Sunny, says ${CLAUDE}.`);
    expect(anthropic.requests.at(-1)!.body.thinking).toBeUndefined();
  });

  it('thinking that was tampered with is the caller’s fault, and said to be', async () => {
    const client = await open({ reasoningMemory: { enabled: false } });
    const called = await complete(client, false, CLAUDE, [question]);
    const [detail] = (called as unknown as { reasoning_details: object[] }).reasoning_details;
    const forged = { ...plain(called), reasoning_details: [{ ...detail, text: 'Something else.' }] };
    await expect(
      complete(client, false, CLAUDE, [question, forged as Message, resultFor(called)]),
    ).rejects.toMatchObject({ status: 400 });
  });

  it('another conversation of the tenant gets nothing of it, though ids and question are the same', async () => {
    const client = await open();
    const called = await complete(client, false, CLAUDE, [question]);
    const other: Message[] = [
      { role: 'user', content: 'I am somebody else.' },
      { role: 'assistant', content: 'Hello.' },
    ];
    await complete(client, false, CLAUDE, [...other, question, plain(called), resultFor(called)]);
    expect(lastBody(anthropic)).not.toContain('I must look it up.');
  });

  it('a client that echoes empty fields has kept nothing', async () => {
    const client = await open();
    const called = await complete(client, false, CLAUDE, [question]);
    const echoed = { ...plain(called), reasoning_details: null, reasoning_content: '', extra_content: null };
    await complete(client, false, CLAUDE, [question, echoed, resultFor(called)]);
    expect(lastBody(anthropic)).toContain('I must look it up.');
  });

  it('what goes along counts: against the window and the price of a request', async () => {
    const client = await open({
      surfaces: { thrifty: { maxCostPerRequest: 0.02 } },
      models: { [CLAUDE]: { contextWindow: 60_000 } },
    });
    const called = await complete(client, false, CLAUDE, [question]);
    const long = { ...plain(called) };
    const details = [
      {
        type: 'reasoning.text',
        format: 'anthropic-claude-v1',
        index: 0,
        text: 'x'.repeat(300_000),
        signature: 's',
      },
    ];
    const { requestCount } = anthropic;
    const history = [question, { ...long, reasoning_details: details } as unknown as Message];
    await expect(client.chat.completions.create({ model: CLAUDE, messages: history })).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
    const shorter = [{ ...details[0], text: 'x'.repeat(100_000) }];
    await expect(
      client.chat.completions.create(
        {
          model: CLAUDE,
          messages: [question, { ...long, reasoning_details: shorter } as unknown as Message],
        },
        { headers: { 'x-llm-surface': 'thrifty' } },
      ),
    ).rejects.toMatchObject({ code: 'no_eligible_model' });
    expect(anthropic.requestCount).toBe(requestCount);
    // To whom it is not sent, it does not count.
    const answered = await client.chat.completions.create({
      model: GPT,
      messages: [...history, resultFor(called)],
    });
    expect(answered.choices).toHaveLength(1);
  });

  it('a tenant gets nothing of another', async () => {
    const client = await open({
      http: {
        apiKeys: [
          { key: 'key-of-one', tenant: 'one' },
          { key: 'key-of-two', tenant: 'two' },
        ],
      },
    });
    const one = client.withOptions({ apiKey: 'key-of-one' });
    const two = client.withOptions({ apiKey: 'key-of-two' });
    const called = await complete(one, false, CLAUDE, [question]);
    await complete(two, false, CLAUDE, [question, plain(called), resultFor(called)]);
    expect(lastBody(anthropic)).not.toContain('I must look it up.');
    await complete(one, false, CLAUDE, [question, plain(called), resultFor(called)]);
    expect(lastBody(anthropic)).toContain('I must look it up.');
  });
});
