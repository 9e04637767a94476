import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream, type UpstreamApi } from './index.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url);
const hasFixtures = existsSync(FIXTURES);

const opened: ScriptedUpstream[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((upstream) => upstream.close()));
});

async function open(api: UpstreamApi, requireKey?: string): Promise<ScriptedUpstream> {
  const upstream = await createScriptedUpstream({ api, requireKey });
  opened.push(upstream);
  return upstream;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
}

async function post(
  upstream: ScriptedUpstream,
  body: unknown,
  { path = PATHS[upstream.api], headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const version: Record<string, string> =
    upstream.api === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {};
  const answer = await fetch(`${upstream.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...version, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const PATHS: Record<UpstreamApi, string> = {
  openai: '/v1/chat/completions',
  'azure-openai': '/openai/v1/chat/completions',
  anthropic: '/v1/messages',
  gemini: '/v1beta/models/gemini-2.5-flash:generateContent',
};

const user = { role: 'user', content: 'Hello' };
const call = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} };
const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny' };
const openAiCall = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } };
const userTurn = { role: 'user', parts: [{ text: 'Hello' }] };
const callTurn = { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] };
const responseOf = (response: object): object => ({ role: 'user', parts: [{ functionResponse: response }] });

const REFUSED: Record<
  Exclude<UpstreamApi, 'azure-openai'>,
  Record<string, [body: object, message: RegExp]>
> = {
  openai: {
    'no model': [{ messages: [user] }, /must provide a model/],
    'no messages': [{ model: 'm' }, /Missing required parameter: 'messages'/],
    'empty messages': [{ model: 'm', messages: [] }, /empty array/],
    'an unknown role': [
      { model: 'm', messages: [{ role: 'model', content: 'x' }] },
      /Invalid value: 'model'/,
    ],
    'an unknown parameter': [{ model: 'm', messages: [user], top_k: 3 }, /Unknown parameter: 'top_k'/],
    'a tool result without its call': [
      { model: 'm', messages: [user, { role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
      /must be a response to a preceeding message/,
    ],
    'a call without its result': [
      { model: 'm', messages: [user, { role: 'assistant', content: null, tool_calls: [openAiCall] }, user] },
      /did not have response messages: call_1/,
    ],
    'stream options without a stream': [
      { model: 'm', messages: [user], stream_options: { include_usage: true } },
      /only allowed when 'stream' is enabled/,
    ],
    'a forced tool that is not offered': [
      {
        model: 'm',
        messages: [user],
        tools: [{ type: 'function', function: { name: 'a' } }],
        tool_choice: { type: 'function', function: { name: 'b' } },
      },
      /Tool choice 'b' not found/,
    ],
    'the old limit for a reasoning model': [
      { model: 'gpt-5-mini', messages: [user], max_tokens: 5 },
      /Use 'max_completion_tokens' instead/,
    ],
  },
  anthropic: {
    'no max_tokens': [{ model: 'm', messages: [user] }, /max_tokens: Field required/],
    'max_tokens of 0': [{ model: 'm', max_tokens: 0, messages: [user] }, /greater than or equal to 1/],
    'empty messages': [{ model: 'm', max_tokens: 9, messages: [] }, /at least one message is required/],
    'a system message': [
      { model: 'm', max_tokens: 9, messages: [{ role: 'system', content: 'x' }, user] },
      /Unexpected role "system"/,
    ],
    'a tool role': [
      { model: 'm', max_tokens: 9, messages: [user, { role: 'tool', content: 'x' }] },
      /Input should be 'user' or 'assistant'/,
    ],
    'an empty text block': [
      { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
      /must be non-empty/,
    ],
    'a call without its result': [
      { model: 'm', max_tokens: 9, messages: [user, { role: 'assistant', content: [call] }, user] },
      /without `tool_result` blocks immediately after: toolu_1/,
    ],
    'results split over two messages': [
      {
        model: 'm',
        max_tokens: 9,
        messages: [
          user,
          { role: 'assistant', content: [call, { ...call, id: 'toolu_2' }] },
          { role: 'user', content: [result] },
          { role: 'user', content: [{ ...result, tool_use_id: 'toolu_2' }] },
        ],
      },
      /without `tool_result` blocks immediately after: toolu_2/,
    ],
    'a text before the result': [
      {
        model: 'm',
        max_tokens: 9,
        messages: [
          user,
          { role: 'assistant', content: [call] },
          { role: 'user', content: [{ type: 'text', text: 'Here:' }, result] },
        ],
      },
      /immediately after/,
    ],
    'a result without its call': [
      { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: [result] }] },
      /unexpected `tool_use_id`/,
    ],
    'arguments as text': [
      {
        model: 'm',
        max_tokens: 9,
        messages: [
          user,
          { role: 'assistant', content: [{ ...call, input: '{}' }] },
          { role: 'user', content: [result] },
        ],
      },
      /valid dictionary/,
    ],
    "OpenAI's form of a tool": [
      { model: 'm', max_tokens: 9, messages: [user], tools: [{ name: 'a', parameters: { type: 'object' } }] },
      /input_schema: Field required/,
    ],
    "OpenAI's form of a tool choice": [
      {
        model: 'm',
        max_tokens: 9,
        messages: [user],
        tools: [{ name: 'a', input_schema: { type: 'object' } }],
        tool_choice: 'auto',
      },
      /valid dictionary/,
    ],
    "one of OpenAI's parameters": [
      { model: 'm', max_tokens: 9, messages: [user], n: 1 },
      /n: Extra inputs are not permitted/,
    ],
    'too high a temperature': [
      { model: 'm', max_tokens: 9, messages: [user], temperature: 1.5 },
      /range: 0\.\.1/,
    ],
    'a forced tool while thinking': [
      {
        model: 'm',
        max_tokens: 9000,
        messages: [user],
        tools: [{ name: 'a', input_schema: { type: 'object' } }],
        tool_choice: { type: 'any' },
        thinking: { type: 'enabled', budget_tokens: 2000 },
      },
      /Thinking may not be enabled/,
    ],
  },
  gemini: {
    'no contents': [{}, /contents is not specified/],
    'a role of OpenAI': [
      { contents: [userTurn, { role: 'assistant', parts: [{ text: 'x' }] }] },
      /Please use a valid role: user, model/,
    ],
    'no parts': [{ contents: [{ role: 'user', parts: [] }] }, /parts must not be empty/],
    'an empty part': [{ contents: [{ role: 'user', parts: [{}] }] }, /must have one initialized field/],
    'a response without a name': [
      { contents: [userTurn, callTurn, responseOf({ response: { a: 1 } })] },
      /function_response\.name: Name cannot be empty/,
    ],
    'a response that is no object': [
      { contents: [userTurn, callTurn, responseOf({ name: 'weather', response: 'sunny' })] },
      /function_response\.response/,
    ],
    'fewer responses than calls': [
      {
        contents: [
          userTurn,
          { role: 'model', parts: [...callTurn.parts, ...callTurn.parts] },
          responseOf({ name: 'weather', response: {} }),
        ],
      },
      /number of function response parts is equal/,
    ],
    "a member of OpenAI's": [{ contents: [userTurn], messages: [] }, /Unknown name "messages"/],
    'an unknown generation setting': [
      { contents: [userTurn], generationConfig: { max_tokens: 5 } },
      /Unknown name "max_tokens" at 'generation_config'/,
    ],
    'a foreign word in a schema': [
      {
        contents: [userTurn],
        tools: [{ functionDeclarations: [{ name: 'a', parameters: { type: 'object', $schema: 'x' } }] }],
      },
      /Unknown name "\$schema"/,
    ],
  },
};

describe.each(['openai', 'anthropic', 'gemini'] as const)('%s refuses, in its own shape,', (api) => {
  const SHAPES: Record<Exclude<UpstreamApi, 'azure-openai'>, object> = {
    openai: { error: { type: 'invalid_request_error', message: expect.any(String) as string } },
    anthropic: { type: 'error', error: { type: 'invalid_request_error' } },
    gemini: { error: { code: 400, status: 'INVALID_ARGUMENT' } },
  };

  it.each(Object.entries(REFUSED[api]))('%s', async (_name, [body, message]) => {
    const upstream = await open(api);
    const answer = await post(upstream, body);
    expect(answer.status, answer.text).toBe(400);
    expect(answer.body).toMatchObject(SHAPES[api]);
    expect(answer.text.replaceAll('\\"', '"')).toMatch(message);
    expect(upstream.requestCount).toBe(1);
  });

  it('a body that is not JSON, and an unknown path', async () => {
    const upstream = await open(api);
    expect(await post(upstream, '{"model":')).toMatchObject({ status: 400, body: SHAPES[api] });
    expect((await post(upstream, {}, { path: '/v1/nowhere' })).status).toBe(404);
    expect(upstream.requestCount).toBe(1);
  });
});

describe('the key', () => {
  const good: Record<UpstreamApi, object> = {
    openai: { model: 'm', messages: [user] },
    'azure-openai': { model: 'm', messages: [user] },
    anthropic: { model: 'm', max_tokens: 9, messages: [user] },
    gemini: { contents: [userTurn] },
  };

  it.each([
    {
      api: 'openai',
      header: 'authorization',
      prefix: 'Bearer ',
      status: 401,
      wrong: { error: { code: 'invalid_api_key' } },
    },
    {
      api: 'azure-openai',
      header: 'api-key',
      prefix: '',
      status: 401,
      wrong: { error: { code: '401' } },
    },
    {
      api: 'anthropic',
      header: 'x-api-key',
      prefix: '',
      status: 401,
      wrong: { error: { type: 'authentication_error' } },
    },
    {
      api: 'gemini',
      header: 'x-goog-api-key',
      prefix: '',
      status: 400,
      wrong: { error: { status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } },
    },
  ] as const)('$api wants it in $header', async ({ api, header, prefix, status, wrong }) => {
    const upstream = await open(api, 'right');
    const send = (key: string): Promise<Answer> =>
      post(upstream, good[api], { headers: { [header]: `${prefix}${key}` } });
    expect((await send('right')).status).toBe(200);
    expect(await send('wrong')).toMatchObject({ status, body: wrong });
    expect((await post(upstream, good[api])).status).toBe(status);
    expect((await send('wrong')).text).not.toContain('wrong');
  });
});

it('Anthropic wants its version header', async () => {
  const upstream = await open('anthropic');
  const answer = await fetch(`${upstream.origin}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [user] }),
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('anthropic-version: header is required');
});

it('newest Gemini models want the signature of their calls back, older ones do not', async () => {
  const upstream = await open('gemini');
  const answerTurn = responseOf({ name: 'weather', response: {} });
  const unsigned = { contents: [userTurn, callTurn, answerTurn] };
  const signed = {
    contents: [
      userTurn,
      { role: 'model', parts: [{ ...callTurn.parts[0], thoughtSignature: 'c2ln' }] },
      answerTurn,
    ],
  };
  const path = '/v1beta/models/gemini-3-pro-preview:generateContent';
  expect((await post(upstream, unsigned)).status).toBe(200);
  expect((await post(upstream, unsigned, { path })).text).toContain('missing a thought_signature');
  expect((await post(upstream, signed, { path })).status).toBe(200);
});

describe.skipIf(!hasFixtures)('requests that the real providers took (needs ../shared)', () => {
  interface Recording {
    readonly id: string;
    readonly status: number;
    readonly origin?: string;
    readonly request: { readonly path: string; readonly body: Record<string, unknown> | null };
  }

  /** Recorded answers that are none to a request of this API, or whose request the recorder shortened. */
  const RECORDED_OTHERWISE = /prompt_cache_breakpoint|<MASSIVE_TEXT>/;

  function recordings(folder: string, path: RegExp): Recording[] {
    if (!hasFixtures) return [];
    const directory = new URL(`${folder}/`, FIXTURES);
    return readdirSync(directory)
      .map((name) => JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Recording)
      .filter(
        ({ status, origin, request }) => status === 200 && origin === undefined && path.test(request.path),
      )
      .filter(
        ({ request }) => request.body !== null && !RECORDED_OTHERWISE.test(JSON.stringify(request.body)),
      );
  }

  it.each([
    { api: 'openai', path: /^\/v1\/chat\/completions$/, least: 50 },
    { api: 'anthropic', path: /^\/v1\/messages(?:\?beta=true)?$/, least: 50 },
    { api: 'gemini', path: /^\/v1beta\/models\/[^/]+:(?:stream)?generateContent/i, least: 50 },
  ] as const)('are taken by the $api upstream', async ({ api, path, least }) => {
    const upstream = await open(api);
    const taken = recordings(api, path);
    expect(taken.length).toBeGreaterThanOrEqual(least);
    const refused: string[] = [];
    for (const { id, request } of taken) {
      const answer = await post(upstream, request.body, { path: request.path });
      if (answer.status !== 200) refused.push(`${id}: ${answer.text}`);
    }
    expect(refused).toEqual([]);
  });
});
