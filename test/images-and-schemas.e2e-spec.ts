import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createScriptedUpstream, type ScriptedUpstream, type UpstreamApi } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PNG_URL = `data:image/png;base64,${PNG}`;
const GIF_URL = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const PDF_URL = 'data:application/pdf;base64,JVBERi0xLjQK';

const APIS = ['openai', 'azure-openai', 'anthropic', 'gemini'] as const;
const MODELS: Record<UpstreamApi, string> = {
  openai: 'gpt-4o-mini',
  'azure-openai': 'gpt-4o',
  anthropic: 'claude-haiku-4-5',
  gemini: 'gemini-2.5-flash',
};

type Upstreams = Record<UpstreamApi, ScriptedUpstream>;
type Part = OpenAI.ChatCompletionContentPart;

const say = (text: string): Part => ({ type: 'text', text });
const image = (url: string): Part => ({ type: 'image_url', image_url: { url } });
const ask = (...parts: Part[]) => [{ role: 'user' as const, content: parts }];

async function openAll(): Promise<Upstreams> {
  const opened = await Promise.all(
    APIS.map(async (api) => [api, await createScriptedUpstream({ api })] as const),
  );
  return Object.fromEntries(opened) as Upstreams;
}

/** Every wire at once. A request names the model it wants; one for `auto` goes from tier to tier. */
async function routerOver(
  upstreams: Upstreams,
  platform: (typeof PLATFORMS)[number] = 'express',
): Promise<RouterApp> {
  return createRouterApp({
    platform,
    options: {
      providers: Object.fromEntries(
        APIS.map((api) => [api, { api, baseUrl: upstreams[api].baseUrl, apiKey: 'k' }]),
      ),
      models: { 'gpt-4o': { provider: 'azure-openai', upstreamModel: 'chat' } },
      routingRules: {
        simple_queries: { primary: MODELS.gemini, fallback: MODELS.anthropic, emergency: MODELS.openai },
      },
      clientModel: 'binding',
    },
  });
}

const Verdict = z.object({
  kind: z.literal('verdict'),
  mood: z.enum(['good', 'bad']),
  score: z.number().min(0).max(10),
  author: z.object({ name: z.string(), email: z.string().nullable() }),
  tags: z.array(z.string()),
  target: z.union([
    z.object({ type: z.literal('product'), sku: z.string() }),
    z.object({ type: z.literal('shop'), isOnline: z.boolean() }),
  ]),
});
type Verdict = z.infer<typeof Verdict>;

const VERDICT: Verdict = {
  kind: 'verdict',
  mood: 'bad',
  score: 3.5,
  author: { name: 'Zoë "Z" Müller', email: null },
  tags: ['late', 'broken'],
  target: { type: 'shop', isOnline: true },
};

const Point = z.object({ x: z.number(), y: z.number() });
/** Used twice, so the helper puts it under the schema's definitions. */
const Line = z.object({ from: Point, to: Point, label: z.string().optional().nullable() });
/** Recursion: structured outputs of Claude and of Gemini cannot say it. */
interface Tree {
  name: string;
  children: Tree[];
}
const Tree: z.ZodType<Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});

/** The answer where the wire wants it: as text, or as the input of the tool that has to be called. */
function scriptJson(upstream: ScriptedUpstream, answer: object): void {
  upstream.setReply(({ toolChoice }) =>
    typeof toolChoice === 'object'
      ? { toolCalls: [{ name: toolChoice.name, arguments: answer as Record<string, unknown> }] }
      : { text: JSON.stringify(answer) },
  );
}

describe.each(PLATFORMS)('JSON schemas on %s', (platform) => {
  let upstreams: Upstreams;
  let router: RouterApp;

  beforeAll(async () => {
    upstreams = await openAll();
    router = await routerOver(upstreams, platform);
  });

  afterEach(() => {
    for (const api of APIS) upstreams[api].setReply(undefined);
  });

  afterAll(async () => {
    await router.close();
    await Promise.all(APIS.map((api) => upstreams[api].close()));
  });

  const request = (api: UpstreamApi) => ({
    model: MODELS[api],
    messages: [{ role: 'user' as const, content: 'Judge this shop.' }],
  });

  describe.each(APIS)('over the %s wire', (api) => {
    it('parses the same object', async () => {
      scriptJson(upstreams[api], VERDICT);
      const completion = await router.client.chat.completions.parse({
        ...request(api),
        response_format: zodResponseFormat(Verdict, 'verdict'),
      });
      expect(completion.choices[0]?.message.parsed).toEqual(VERDICT);
      expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop' });
      expect(upstreams[api].requests.at(-1)?.outputFormat).toBe('json');
    });

    it('parses the same object out of a stream', async () => {
      scriptJson(upstreams[api], VERDICT);
      const final = await router.client.chat.completions
        .stream({ ...request(api), response_format: zodResponseFormat(Verdict, 'verdict') })
        .finalChatCompletion();
      expect(final.choices[0]?.message.parsed).toEqual(VERDICT);
    });

    // The upstream makes the least object that the schema it was sent allows: what arrives there is what it means.
    it.each([
      ['literals, alternatives and bounds', Verdict],
      ['definitions', Line],
      // Gemini's cannot say it in a required member: below.
      ...(api === 'gemini' ? [] : ([['recursion', Tree]] as const)),
    ] as const)('sends the whole of a schema: %s', async (_name, schema) => {
      const completion = await router.client.chat.completions.parse({
        ...request(api),
        response_format: zodResponseFormat(schema as z.ZodType, 'answer'),
      });
      expect(() => schema.parse(JSON.parse(completion.choices[0]?.message.content ?? ''))).not.toThrow();
    });

    it('goes together with tools: a call, or the answer', async () => {
      const tools = [
        {
          type: 'function' as const,
          function: {
            name: 'look_up',
            strict: true,
            parameters: {
              type: 'object',
              properties: { sku: { type: 'string' } },
              required: ['sku'],
              additionalProperties: false,
            },
          },
        },
      ];
      const body = { ...request(api), tools, response_format: zodResponseFormat(Verdict, 'verdict') };
      upstreams[api].setReply(() => ({ toolCalls: [{ name: 'look_up', arguments: { sku: 'a' } }] }));
      const called = await router.client.chat.completions.parse(body);
      expect(called.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { content: null, tool_calls: [{ function: { name: 'look_up' } }] },
      });
      upstreams[api].setReply(() => ({ text: JSON.stringify(VERDICT) }));
      const answered = await router.client.chat.completions.parse(body);
      expect(answered.choices[0]?.message.parsed).toEqual(VERDICT);
    });

    it('asks for any JSON object', async () => {
      upstreams[api].setReply(() => ({ text: '{"a":1}' }));
      const completion = await router.client.chat.completions.create({
        ...request(api),
        response_format: { type: 'json_object' },
      });
      expect(completion.choices[0]?.message.content).toBe('{"a":1}');
    });

    it('tells the client of a refusal and of a cut, by the errors it has for them', async () => {
      const body = { ...request(api), response_format: zodResponseFormat(Verdict, 'verdict') };
      upstreams[api].setReply(() => ({ text: '', finish: 'content_filter' }));
      await expect(router.client.chat.completions.parse(body)).rejects.toThrow(/content filter/i);
      upstreams[api].setReply(() => ({ text: '{"kind":', finish: 'length' }));
      await expect(router.client.chat.completions.parse(body)).rejects.toThrow(/length/i);
    });
  });
});

describe('recursion in a required member, which Google refuses in a schema', () => {
  it('is an instruction to Gemini, beside its JSON mode', async () => {
    const upstreams = await openAll();
    const router = await routerOver(upstreams);
    const tree: Tree = { name: 'a', children: [{ name: 'b', children: [] }] };
    upstreams.gemini.setReply(() => ({ text: JSON.stringify(tree) }));
    const completion = await router.client.chat.completions.parse({
      model: MODELS.gemini,
      messages: [{ role: 'user', content: 'Draw a tree.' }],
      response_format: zodResponseFormat(Tree, 'tree'),
    });
    expect(completion.choices[0]?.message.parsed).toEqual(tree);
    const sent = upstreams.gemini.requests.at(-1)?.body as {
      generationConfig: object;
      systemInstruction: { parts: { text: string }[] };
    };
    expect(sent.generationConfig).toEqual({ responseMimeType: 'application/json' });
    expect(sent.systemInstruction.parts.at(-1)?.text).toContain('"children"');
    await router.close();
    await Promise.all(APIS.map((api) => upstreams[api].close()));
  });
});

describe('images', () => {
  let upstreams: Upstreams;
  let router: RouterApp;

  beforeAll(async () => {
    upstreams = await openAll();
    router = await routerOver(upstreams);
  });

  afterAll(async () => {
    await router.close();
    await Promise.all(APIS.map((api) => upstreams[api].close()));
  });

  const counts = (): number[] => APIS.map((api) => upstreams[api].requestCount);
  const wireOf = (api: UpstreamApi): string => JSON.stringify(upstreams[api].requests.at(-1)?.body);

  it.each(APIS)('go over the %s wire, several in one message', async (api) => {
    const { response } = await router.client.chat.completions
      .create({
        model: MODELS[api],
        messages: ask(say('Compare'), image(PNG_URL), say('with'), image(PNG_URL)),
      })
      .withResponse();
    expect(response.headers.get('x-llm-provider')).toBe(api);
    expect(wireOf(api).split(PNG)).toHaveLength(3);
  });

  it.each([
    ['broken base64', 'data:image/png;base64,!!!!'],
    ['nothing in it', 'data:image/png;base64,'],
    ['no content', 'data:image/png'],
    ['a document', PDF_URL],
    ['another kind of URL', 'file:///etc/passwd'],
    ['no URL', 'picture.png'],
  ])('with %s are a 400 before any call', async (_name, url) => {
    const before = counts();
    const answer = await router.postJson('/v1/chat/completions', {
      messages: ask(say('What is this?'), image(url)),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { type: 'invalid_request_error', param: 'messages[0].content[1]' },
    });
    expect(counts()).toEqual(before);
  });

  it('of a kind that one wire cannot say go to the next', async () => {
    const { response } = await router.client.chat.completions
      .create({ model: 'auto', messages: ask(say('What is this?'), image(GIF_URL)) })
      .withResponse();
    expect(response.headers.get('x-llm-provider')).toBe('anthropic');
    expect(response.headers.get('x-llm-attempts')).toBe('1');
  });

  it('by address are fetched by the provider, never by the router', async () => {
    let connections = 0;
    const host = createServer((_request, response) => response.end(Buffer.from(PNG, 'base64')));
    host.on('connection', () => (connections += 1)).listen(0, '127.0.0.1');
    await once(host, 'listening');
    const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
    const ofHttp = await router.client.chat.completions
      .create({ model: 'auto', messages: ask(say('What is this?'), image(`${origin}/a.png`)) })
      .withResponse();
    // Only OpenAI takes plain http.
    expect(ofHttp.response.headers.get('x-llm-provider')).toBe('openai');
    const ofHttps = await router.client.chat.completions
      .create({ model: 'auto', messages: ask(say('What is this?'), image('https://example.com/a.png')) })
      .withResponse();
    expect(ofHttps.response.headers.get('x-llm-provider')).toBe('gemini');
    expect(wireOf('gemini')).toContain('"fileUri":"https://example.com/a.png"');
    const ofNoType = await router.client.chat.completions
      .create({ model: 'auto', messages: ask(say('What is this?'), image('https://example.com/a?id=1')) })
      .withResponse();
    expect(ofNoType.response.headers.get('x-llm-provider')).toBe('anthropic');
    expect(connections).toBe(0);
    // It would have seen one.
    await (await fetch(`${origin}/a.png`)).arrayBuffer();
    expect(connections).toBe(1);
    host.closeAllConnections();
    host.close();
  });

  it.each(['anthropic', 'gemini'] as const)('in a tool result reach %s', async (api) => {
    const answer = await router.postJson('/v1/chat/completions', {
      model: MODELS[api],
      messages: [
        { role: 'user', content: 'Look' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'shoot', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: [say('Here'), image(PNG_URL)] },
      ],
      tools: [{ type: 'function', function: { name: 'shoot' } }],
    });
    expect(answer.status).toBe(200);
    expect(wireOf(api)).toContain(PNG);
  });

  it.each(['openai', 'azure-openai'] as const)('in a tool result are refused for %s, unsent', async (api) => {
    const before = counts();
    const answer = await router.postJson('/v1/chat/completions', {
      model: MODELS[api],
      messages: [
        { role: 'user', content: 'Look' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'shoot', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: [say('Here'), image(PNG_URL)] },
      ],
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { param: 'messages[2].content[1]' } });
    expect(counts()).toEqual(before);
  });

  it.each(APIS)('in a system message are a 400, not a crash, for %s', async (api) => {
    const answer = await router.postJson('/v1/chat/completions', {
      model: MODELS[api],
      messages: [
        { role: 'system', content: [image(PNG_URL)] },
        { role: 'user', content: 'Look' },
      ],
    });
    expect(answer.status).toBe(400);
  });

  it('documents and sound go where they can be read', async () => {
    const document: Part = { type: 'file', file: { filename: 'a.pdf', file_data: PDF_URL } };
    const ofDocument = await router.client.chat.completions
      .create({ model: 'claude-haiku-4-5', messages: ask(say('Sum up'), document) })
      .withResponse();
    expect(ofDocument.response.headers.get('x-llm-provider')).toBe('anthropic');
    expect(wireOf('anthropic')).toContain('"type":"document"');
    const sound: Part = { type: 'input_audio', input_audio: { format: 'mp3', data: 'SUQz' } };
    const ofSound = await router.client.chat.completions
      .create({ model: 'auto', messages: ask(say('Listen'), sound) })
      .withResponse();
    expect(ofSound.response.headers.get('x-llm-provider')).toBe('gemini');
    const broken = await router.postJson('/v1/chat/completions', {
      messages: ask({ type: 'input_audio', input_audio: { format: 'mp3', data: '*' } }),
    });
    expect(broken.status).toBe(400);
  });

  it('never reach a model without vision', async () => {
    const blind = await createRouterApp({
      platform: 'express',
      options: {
        providers: { openai: { api: 'openai', baseUrl: upstreams.openai.baseUrl, apiKey: 'k' } },
        routingRules: { simple_queries: { primary: 'gpt-3.5-turbo', fallback: 'gpt-4' } },
      },
    });
    const before = counts();
    const answer = await blind.postJson('/v1/chat/completions', {
      messages: ask(say('What is this?'), image(PNG_URL)),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'no_eligible_model' } });
    expect(counts()).toEqual(before);
    await blind.close();
  });
});
