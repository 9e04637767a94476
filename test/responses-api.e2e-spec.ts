import { createOpenAI } from '@ai-sdk/openai';
import { Injectable } from '@nestjs/common';
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { existsSync, readFileSync } from 'node:fs';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InjectOpenAI, type LlmRouterOptions } from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamRequest,
} from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll } from './support/fault-bench.js';
import { expectErrorResponse } from './support/openai-error.js';
import { PLATFORMS } from './support/router-app.js';

const SCHEMA = new URL('../../shared/openai-schema/openai-responses.schema.json', import.meta.url);
const TEXT = 'one two three four five six';
const CALL = { model: 'auto', input: 'Count' };
const KEY = 'router-key-1';
const AT_ONCE = { timeToFirstTokenMs: 0, tokensPerSecond: Infinity };
const SLOWLY = { timeToFirstTokenMs: 0, tokensPerSecond: 5 };
const CITY = z.object({ city: z.string() });
const PLACE = z.object({ city: z.string(), people: z.number() });
const WEATHER = zodResponsesFunction({ name: 'weather', parameters: CITY });

/** Asks for the weather, then tells of it. */
const weatherScript = ({ body }: UpstreamRequest) =>
  JSON.stringify(body.messages).includes('"tool_call_id"')
    ? { text: 'It rains in Paris.' }
    : { text: 'Let me see.', toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] };

@Injectable()
class Assistant {
  @InjectOpenAI() readonly client!: OpenAI;
}

const optionsFor = (upstream: ScriptedUpstream, isOverHttp: boolean): LlmRouterOptions => ({
  providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
  models: {
    plain: { provider: 'one', capabilities: ['streaming', 'tools', 'json_schema'] },
    fine: { provider: 'one', capabilities: ['streaming', 'tools', 'json_schema'] },
  },
  routingRules: {
    simple_queries: { primary: 'plain', fallback: 'fine' },
    complex_reasoning: { primary: 'plain', fallback: 'fine' },
  },
  limits: { bodyBytes: 20_000, jsonDepth: 24 },
  // Nobody is called twice: what one failure looks like is at issue.
  execution: { maxAttempts: 2 },
  ...(isOverHttp ? { http: { apiKeys: [{ key: KEY }] } } : {}),
});

/** Throws for a value that is not of OpenAI's schema; passes everything where ../shared is absent. */
function makeCheck(name: string): (value: unknown) => void {
  if (!existsSync(SCHEMA)) return () => undefined;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  ajv.addSchema(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);
  const validate = ajv.getSchema(`urn:openai-openapi:responses#/$defs/${name}`) as ValidateFunction;
  return (value) => {
    validate(value);
    expect({ value, errors: validate.errors }).toEqual({ value, errors: null });
  };
}

/** Without what the client adds to an answer. */
function asSent({
  output_text: _text,
  _request_id,
  ...response
}: OpenAI.Responses.Response & { _request_id?: unknown }): unknown {
  return response;
}

// In process the same client runs without a port.
describe.each([...PLATFORMS, 'in process'] as const)('the Responses API, %s', (way) => {
  const isOverHttp = way !== 'in process';
  const checkResponse = makeCheck('Response');
  const checkEvent = makeCheck('ResponseStreamEvent');
  let upstream: ScriptedUpstream;
  let bench: FaultBench;
  let client: OpenAI;

  beforeAll(async () => {
    setTracingDisabled(true);
    upstream = await createScriptedUpstream({ api: 'openai' });
    bench = await createFaultBench({
      platform: isOverHttp ? way : 'express',
      http: isOverHttp ? {} : false,
      options: optionsFor(upstream, isOverHttp),
      providers: [Assistant],
    });
    client = isOverHttp
      ? new OpenAI({ apiKey: KEY, baseURL: `${bench.url}/v1`, maxRetries: 0 })
      : bench.app.get(Assistant).client;
  });

  beforeEach(() => {
    bench.clear();
    upstream.setReply(() => ({ text: TEXT }));
    upstream.setLatency(AT_ONCE);
  });

  afterEach(async () => {
    await upstream.heal();
    await bench.expectQuiet(upstream);
    // A fault of one test must not steer the next.
    bench.engine.signals.forget();
  });

  afterAll(async () => {
    await bench.close();
    await upstream.close();
  });

  it('create: a response by the schema, with the headers of the endpoint', async () => {
    const { data, response } = await client.responses
      .create({ ...CALL, instructions: 'Be kind.', max_output_tokens: 50, store: false })
      .withResponse();
    expect(data.output_text).toBe(TEXT);
    checkResponse(asSent(data));
    expect(data).toMatchObject({ object: 'response', status: 'completed', model: 'plain', store: false });
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(response.headers.get('x-llm-model')).toBe('plain');
    expect(response.headers.get('x-request-id')).toMatch(/^dec_/);
    expect(upstream.requests.at(-1)?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Count' },
      ],
      store: false,
    });
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded', streamed: false }]);
  });

  it('create, streamed: events by the schema, numbered, the last with the usage', async () => {
    const { data, response } = await client.responses.create({ ...CALL, stream: true }).withResponse();
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = await readAll(data);
    for (const event of events) checkEvent(event);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_event, index) => index));
    const deltas = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    );
    expect(deltas.length).toBeGreaterThan(2);
    expect(deltas.join('')).toBe(TEXT);
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error(`The last event is ${last?.type}.`);
    expect(last.response.usage?.output_tokens).toBeGreaterThan(0);
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded', streamed: true }]);
  });

  it('an answer that was cut by its limit is incomplete', async () => {
    upstream.setReply(() => ({ text: 'one two', finish: 'length' }));
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect(await client.responses.create({ ...CALL, max_output_tokens: 16 })).toMatchObject(cut);
    const events = await readAll(await client.responses.create({ ...CALL, stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: cut });
  });

  it('parse, and the stream helper, with zod', async () => {
    upstream.setReply(() => ({ text: '{"city":"Paris","people":2}' }));
    const text = { format: zodTextFormat(PLACE, 'place') };
    const parsed = await client.responses.parse({ ...CALL, text });
    expect(parsed.output_parsed).toEqual({ city: 'Paris', people: 2 });
    expect(upstream.requests.at(-1)?.outputFormat).toBe('json');
    const helper = client.responses.stream({ ...CALL, text });
    const pieces: string[] = [];
    helper.on('response.output_text.delta', ({ delta }) => pieces.push(delta));
    const final = await helper.finalResponse();
    expect(final.output_parsed).toEqual({ city: 'Paris', people: 2 });
    expect(pieces.join('')).toBe(final.output_text);
  });

  it.each(['whole', 'streamed'])(
    'a tool and its result, the output sent back as it came (%s)',
    async (kind) => {
      upstream.setReply(weatherScript);
      const ask = async (input: OpenAI.Responses.ResponseInput): Promise<OpenAI.Responses.Response> => {
        const body = {
          model: 'auto',
          input,
          tools: [WEATHER],
          include: ['reasoning.encrypted_content' as const],
        };
        return kind === 'whole'
          ? client.responses.create(body)
          : client.responses.stream(body).finalResponse();
      };
      const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Weather in Paris?' }];
      const asking = await ask(input);
      const call = asking.output.find((item) => item.type === 'function_call');
      expect(call).toMatchObject({ name: 'weather', arguments: '{"city":"Paris"}' });
      const answer = await ask([
        ...input,
        ...(asking.output as OpenAI.Responses.ResponseInputItem[]),
        { type: 'function_call_output', call_id: call!.call_id, output: 'rain' },
      ]);
      expect(answer.output_text).toBe('It rains in Paris.');
      expect(upstream.requests.at(-1)?.body.messages).toMatchObject([
        { role: 'user' },
        { role: 'assistant', content: 'Let me see.', tool_calls: [{ id: call!.call_id }] },
        { role: 'tool', tool_call_id: call!.call_id, content: 'rain' },
      ]);
    },
  );

  it('errors before the answer are typed', async () => {
    const asked = upstream.requestCount;
    await expect(client.responses.create({ ...CALL, temperature: 9 })).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      code: 'invalid_request',
      param: 'temperature',
    });
    await expect(client.responses.create({ ...CALL, tools: [{ type: 'web_search' }] })).rejects.toMatchObject(
      {
        status: 400,
        param: 'tools[0].type',
      },
    );
    await expect(client.responses.create({ ...CALL, previous_response_id: 'resp_1' })).rejects.toMatchObject({
      status: 400,
      param: 'previous_response_id',
    });
    await expect(client.responses.create({ ...CALL, model: 'nobody' })).rejects.toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: 'model_not_found',
    });
    expect(upstream.requestCount).toBe(asked);
    expect(bench.requests.map(({ outcome }) => outcome)).toEqual(Array(4).fill('rejected'));
    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 2 }, 2);
    await expect(client.responses.create(CALL)).rejects.toMatchObject({
      constructor: OpenAI.RateLimitError,
      code: 'rate_limit_exceeded',
    });
    await upstream.heal();
    // Else the next request would wait for the provider.
    bench.engine.signals.forget();
    upstream.failNext({ kind: 'status', status: 500 }, 2);
    await expect(client.responses.create({ ...CALL, stream: true })).rejects.toMatchObject({
      constructor: OpenAI.InternalServerError,
      code: 'all_attempts_failed',
    });
    await expect(client.responses.create({ ...CALL, input: 'x'.repeat(20_000) })).rejects.toMatchObject({
      status: 413,
      code: 'request_too_large',
    });
    const deep = JSON.parse('['.repeat(30) + ']'.repeat(30)) as never;
    await expect(
      client.responses.create({ ...CALL, reasoning: { effort: 'low', summary: deep } }),
    ).rejects.toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  });

  it('an error after it has begun: an error event, then the failed response', async () => {
    upstream.failNext({ kind: 'cut', afterChunks: 3 });
    const events = await readAll(await client.responses.create({ ...CALL, stream: true }));
    for (const event of events) checkEvent(event);
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', code: 'stream_interrupted' },
      { type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' } } },
    ]);
    await bench.whenEnded(1);
    expect(bench.requests).toMatchObject([{ outcome: 'failed' }]);
  });

  it('a reader that leaves ends the upstream call', async () => {
    upstream.setLatency(SLOWLY);
    const aborted = upstream.abortedCount;
    for await (const event of await client.responses.create({ ...CALL, stream: true })) {
      if (event.type === 'response.output_text.delta') break;
    }
    await upstream.whenAborted(aborted + 1);
    await bench.whenEnded(1);
    expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
  });

  it.each(['whole', 'streamed'])('abort before the answer ends the upstream call (%s)', async (kind) => {
    upstream.failNext({ kind: 'stalled' });
    const [aborted, asked] = [upstream.abortedCount, upstream.requestCount];
    const leave = new AbortController();
    const asking = client.responses
      .create({ ...CALL, stream: kind === 'streamed' }, { signal: leave.signal })
      .catch((error: unknown) => error);
    await upstream.whenRequests(asked + 1);
    leave.abort();
    expect(await asking).toBeInstanceOf(OpenAI.APIUserAbortError);
    await upstream.whenAborted(aborted + 1);
    await bench.whenEnded(1);
  });

  it('what needs stored responses, and text completions, are refused with the reason', async () => {
    const stored = { constructor: OpenAI.NotFoundError, code: 'not_found' };
    const refused = client.responses.retrieve('resp_1');
    await expect(refused).rejects.toMatchObject(stored);
    await expect(refused).rejects.toThrow('stores no responses');
    await expect(client.responses.delete('resp_1')).rejects.toMatchObject(stored);
    await expect(client.responses.cancel('resp_1')).rejects.toMatchObject(stored);
    await expect(client.responses.inputItems.list('resp_1')).rejects.toMatchObject(stored);
    await expect(client.responses.inputTokens.count(CALL)).rejects.toMatchObject(stored);
    const completions = client.completions.create({ model: 'auto', prompt: 'Count' });
    await expect(completions).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      code: 'invalid_request',
    });
    await expect(completions).rejects.toThrow('/v1/chat/completions');
  });

  it('OpenAI Agents with their default model', async () => {
    upstream.setReply(weatherScript);
    const weather = agentTool({
      name: 'weather',
      description: 'The weather of a city.',
      parameters: CITY,
      execute: ({ city }) => `rain in ${city}`,
    });
    const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: client }) });
    const agent = new Agent({ name: 'Guide', instructions: 'Be kind.', model: 'auto', tools: [weather] });
    expect((await runner.run(agent, 'Weather in Paris?')).finalOutput).toBe('It rains in Paris.');
    const streamed = await runner.run(agent, 'Weather in Paris?', { stream: true });
    expect((await readAll(streamed.toTextStream())).join('')).toContain('It rains in Paris.');
    await streamed.completed;
    expect(streamed.finalOutput).toBe('It rains in Paris.');
    upstream.setReply(() => ({ text: '{"city":"Paris","people":2}' }));
    const typed = new Agent({ name: 'Guide', model: 'auto', outputType: PLACE });
    expect((await runner.run(typed, 'Where?')).finalOutput).toEqual({ city: 'Paris', people: 2 });
    // A second turn sends the first one's items.
    const again = await runner.run(typed, [...streamed.history, { role: 'user', content: 'Where?' }]);
    expect(again.finalOutput).toEqual({ city: 'Paris', people: 2 });
  });

  it("the AI SDK's default OpenAI model", async () => {
    const provider = createOpenAI({
      apiKey: KEY,
      baseURL: client.baseURL,
      ...(isOverHttp ? {} : { fetch: (client as unknown as { fetch: typeof fetch }).fetch }),
    });
    // The default of the provider is its Responses model.
    expect(provider('auto').provider).toBe(provider.responses('auto').provider);
    const model = provider.responses('auto');
    const plain = await generateText({ model, prompt: 'Count', maxRetries: 0 });
    expect(plain.text).toBe(TEXT);
    expect(plain.usage.outputTokens).toBeGreaterThan(0);

    upstream.setReply(({ body }) =>
      JSON.stringify(body.messages).includes('"tool_call_id"')
        ? { text: 'It rains in Paris.' }
        : { toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] },
    );
    const tools = {
      weather: tool({ inputSchema: CITY, execute: ({ city }) => Promise.resolve(`rain in ${city}`) }),
    };
    const loop = { model, tools, prompt: 'Weather in Paris?', stopWhen: stepCountIs(3), maxRetries: 0 };
    expect((await generateText(loop)).text).toBe('It rains in Paris.');
    const streamed = streamText(loop);
    expect((await readAll(streamed.textStream)).join('')).toBe('It rains in Paris.');
    expect((await streamed.totalUsage).outputTokens).toBeGreaterThan(0);

    // A text beside the call: by default the AI SDK refers to it as a stored item.
    upstream.setReply(weatherScript);
    expect((await generateText(loop)).text).toBe('It rains in Paris.');
    expect((await readAll(streamText(loop).textStream)).join('')).toContain('It rains in Paris.');
    const turns = upstream.requests.at(-1)!.body.messages as { role: string; content: unknown }[];
    expect(turns.find(({ role }) => role === 'assistant')?.content).toContain('Let me');
    const unstored = { ...loop, providerOptions: { openai: { store: false } } };
    expect((await generateText(unstored)).text).toBe('It rains in Paris.');

    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 1 }, 2);
    await expect(generateText({ model, prompt: 'Count', maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 429,
    });
  });

  it.runIf(isOverHttp)(
    'without a key: 401 on every route, in OpenAI’s shape (skipped in process, which has no keys)',
    async () => {
      const expected = { status: 401, code: 'invalid_api_key', type: 'authentication_error' };
      await expectErrorResponse(await bench.postJson('/v1/responses', CALL), expected);
      await expectErrorResponse(await bench.postJson('/v1/completions', CALL), expected);
      await expectErrorResponse(await bench.postJson('/v1/responses/input_tokens', CALL), expected);
      await expectErrorResponse(await bench.fetch('/v1/responses/resp_1'), expected);
      await expectErrorResponse(await bench.fetch('/v1/responses/resp_1', { method: 'DELETE' }), expected);
      const headers = { authorization: `Bearer ${KEY}` };
      const broken = await bench.postJson('/v1/responses', '{', headers);
      await expectErrorResponse(broken, { status: 400, code: 'invalid_request' });
      const large = await bench.postJson('/v1/responses', { input: 'x'.repeat(30_000) }, headers);
      await expectErrorResponse(large, { status: 413, code: 'request_too_large' });
    },
  );

  it.runIf(isOverHttp)(
    'on the wire: named events, the cost as a comment, no [DONE] (skipped in process, which has no wire)',
    async () => {
      const headers = { authorization: `Bearer ${KEY}` };
      const raw = await (await bench.postJson('/v1/responses', { ...CALL, stream: true }, headers)).text();
      expect(raw).toMatch(/^event: response\.created\ndata: \{"type":"response\.created"/);
      expect(raw).toMatch(/: x-llm-cost-usd [\d.]+\n\nevent: response\.completed\ndata: \{.*\}\n\n$/);
      expect(raw).not.toContain('[DONE]');
    },
  );
});
