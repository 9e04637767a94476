import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langChainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import {
  Agent,
  OpenAIChatCompletionsModel,
  OpenAIProvider,
  run,
  Runner,
  setTracingDisabled,
  tool as agentTool,
} from '@openai/agents';
import {
  APICallError,
  generateObject,
  generateText,
  type LanguageModel,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { RouterService } from 'nestjs-llm-router';
import { routerModel } from 'nestjs-llm-router/ai-sdk';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamRequest,
} from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll } from './support/fault-bench.js';

const TEXT = 'one two three four five six';
const MESSAGES = [{ role: 'user' as const, content: 'Count' }];
const SLOWLY = { timeToFirstTokenMs: 0, tokensPerSecond: 5 };
const AT_ONCE = { timeToFirstTokenMs: 0, tokensPerSecond: Infinity };
const CITY = z.object({ city: z.string() });
const PLACE = z.object({ city: z.string(), people: z.number() });

/** Asks for the weather, then tells of it. */
const weatherScript = ({ body }: UpstreamRequest) =>
  JSON.stringify(body.messages).includes('"tool_result"')
    ? { text: 'It rains in Paris.' }
    : { toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] };
const placeScript = () => ({ text: '{"city":"Paris","people":2}' });

describe('clients that move over by one argument', () => {
  let upstream: ScriptedUpstream;
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    setTracingDisabled(true);
    upstream = await createScriptedUpstream({ api: 'anthropic' });
    bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: {
        providers: { one: { api: 'anthropic', baseUrl: upstream.baseUrl, apiKey: 'k' } },
        models: {
          plain: {
            provider: 'one',
            quality: 0.3,
            price: { inputPer1M: 1, outputPer1M: 1 },
            capabilities: ['streaming', 'tools', 'json_schema'],
          },
          fine: {
            provider: 'one',
            quality: 0.9,
            price: { inputPer1M: 9, outputPer1M: 9 },
            capabilities: ['streaming', 'tools', 'json_schema'],
          },
        },
        routingRules: {
          simple_queries: { primary: 'plain', fallback: 'fine' },
          complex_reasoning: { primary: 'plain', fallback: 'fine' },
        },
        surfaces: { support: { qualityFloor: 0.6 }, drafts: {} },
        // Nobody is called twice: what one failure looks like is at issue.
        execution: { maxAttempts: 2 },
      },
    });
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
    upstream.setReply(() => ({ text: TEXT }));
    upstream.setLatency(AT_ONCE);
    vi.stubEnv('OPENAI_API_KEY', undefined);
    // Nothing may leave the process but by the router.
    vi.stubGlobal('fetch', () => {
      throw new Error('A client went to the network.');
    });
  });

  afterEach(async () => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
    await upstream.heal();
    await bench.expectQuiet(upstream);
    // A fault of one test must not steer the next.
    bench.engine.signals.forget();
  });

  afterAll(async () => {
    await bench.close();
    await upstream.close();
  });

  /** Of 24 requests at once, in two surfaces. */
  const expectNoCrossing = async (call: () => Promise<unknown>): Promise<void> => {
    upstream.setLatency({ timeToFirstTokenMs: 10, tokensPerSecond: 5_000, jitter: 0.8 });
    const names = Array.from({ length: 24 }, (_, index) => (index % 3 === 0 ? 'support' : 'drafts'));
    await Promise.all(names.map((surface) => router.runWith({ surface }, call)));
    const seen = bench.requests.map(({ surface, servedBy }) => `${surface} ${servedBy?.model}`);
    expect(seen.filter((line) => line === 'support fine')).toHaveLength(8);
    expect(seen.filter((line) => line === 'drafts plain')).toHaveLength(16);
  };

  describe('LangChain', () => {
    const create = (): ChatOpenAI => new ChatOpenAI({ model: 'auto', configuration: router.clientOptions() });

    it('invoke and stream', async () => {
      const answer = await create().invoke('Count');
      expect(answer.text).toBe(TEXT);
      expect(answer.usage_metadata?.output_tokens).toBeGreaterThan(0);
      const chunks = await readAll(await create().stream('Count'));
      expect(chunks.map(({ text }) => text).join('')).toBe(TEXT);
      expect(chunks.some(({ usage_metadata: usage }) => (usage?.output_tokens ?? 0) > 0)).toBe(true);
      expect(bench.requests.map(({ outcome, streamed }) => [outcome, streamed])).toEqual([
        ['succeeded', false],
        ['succeeded', true],
      ]);
    });

    it('a tool call, and its result', async () => {
      upstream.setReply(weatherScript);
      const weather = langChainTool(({ city }) => `rain in ${city}`, {
        name: 'weather',
        description: 'The weather of a city.',
        schema: CITY,
      });
      const model = create().bindTools([weather]);
      const asking = await model.invoke([new HumanMessage('Weather in Paris?')]);
      const [call] = asking.tool_calls ?? [];
      expect(call).toMatchObject({ name: 'weather', args: { city: 'Paris' } });
      const result: unknown = await weather.invoke(call!);
      if (!(result instanceof ToolMessage)) throw new Error('The tool gave no message.');
      expect(result.content).toBe('rain in Paris');
      const answer = await model.invoke([
        new HumanMessage('Weather in Paris?'),
        new AIMessage({ content: '', tool_calls: asking.tool_calls }),
        result,
      ]);
      expect(answer.text).toBe('It rains in Paris.');
    });

    it('structured output', async () => {
      upstream.setReply(placeScript);
      expect(await create().withStructuredOutput(PLACE).invoke('Where?')).toEqual({
        city: 'Paris',
        people: 2,
      });
    });

    it('its error keeps status and code; an aborted call ends the upstream call', async () => {
      const model = new ChatOpenAI({ model: 'auto', maxRetries: 0, configuration: router.clientOptions() });
      upstream.failNext({ kind: 'status', status: 500 }, 2);
      await expect(model.invoke('Count')).rejects.toMatchObject({ status: 502, code: 'all_attempts_failed' });
      upstream.failNext({ kind: 'stalled' });
      const [aborted, asked] = [upstream.abortedCount, upstream.requestCount];
      const leave = new AbortController();
      const asking = model.invoke('Count', { signal: leave.signal }).catch((error: unknown) => error);
      await upstream.whenRequests(asked + 1);
      leave.abort();
      expect(await asking).toBeInstanceOf(Error);
      await upstream.whenAborted(aborted + 1);
    });

    it("is held to the caller's surface", async () => {
      const model = create();
      await expectNoCrossing(() => model.invoke('Count'));
    });

    it('one that queues its calls takes the surface with its options', async () => {
      const model = new ChatOpenAI({
        model: 'auto',
        maxConcurrency: 2,
        configuration: router.clientOptions({ surface: 'support' }),
      });
      await Promise.all(
        Array.from({ length: 6 }, () => router.runWith({ surface: 'drafts' }, () => model.invoke('Count'))),
      );
      expect(bench.requests.map(({ surface }) => surface)).toEqual(bench.requests.map(() => 'support'));
      expect(bench.requests).toHaveLength(6);
    });
  });

  describe('OpenAI Agents', () => {
    const model = (): OpenAIChatCompletionsModel =>
      new OpenAIChatCompletionsModel(new OpenAI(router.clientOptions()), 'auto');

    it('an agent with a tool', async () => {
      upstream.setReply(weatherScript);
      const weather = agentTool({
        name: 'weather',
        description: 'The weather of a city.',
        parameters: CITY,
        execute: ({ city }) => `rain in ${city}`,
      });
      const agent = new Agent({ name: 'Guide', instructions: 'Be kind.', model: model(), tools: [weather] });
      expect((await run(agent, 'Weather in Paris?')).finalOutput).toBe('It rains in Paris.');
      const streamed = await run(agent, 'Weather in Paris?', { stream: true });
      expect((await readAll(streamed.toTextStream())).join('')).toContain('It rains in Paris.');
      await streamed.completed;
      expect(streamed.finalOutput).toBe('It rains in Paris.');
      expect(bench.requests.map(({ streamed: isStream }) => isStream)).toEqual([false, false, true, true]);
    });

    it('structured output, through a provider for all agents of a runner', async () => {
      upstream.setReply(placeScript);
      const runner = new Runner({
        modelProvider: new OpenAIProvider({
          openAIClient: new OpenAI(router.clientOptions()),
          useResponses: false,
        }),
      });
      const agent = new Agent({ name: 'Guide', model: 'auto', outputType: PLACE });
      expect((await runner.run(agent, 'Where?')).finalOutput).toEqual({ city: 'Paris', people: 2 });
    });

    it('its error keeps status and code, and is not asked again', async () => {
      const asked = upstream.requestCount;
      upstream.failNext({ kind: 'status', status: 500 }, 2);
      const agent = new Agent({ name: 'Guide', model: model() });
      await expect(run(agent, 'Count')).rejects.toMatchObject({ status: 502, code: 'all_attempts_failed' });
      expect(upstream.requestCount).toBe(asked + 2);
    });

    it("is held to the caller's surface", async () => {
      const agent = new Agent({ name: 'Guide', model: model() });
      await expectNoCrossing(() => run(agent, 'Count'));
    });
  });

  describe('the AI SDK', () => {
    it('generateText', async () => {
      const model: LanguageModel = routerModel('auto', router);
      const { text, usage, response } = await generateText({ model, messages: MESSAGES });
      expect(text).toBe(TEXT);
      expect(usage.outputTokens).toBeGreaterThan(0);
      expect(response.headers).toMatchObject({ 'x-llm-model': 'plain' });
    });

    it('streamText, with usage', async () => {
      const result = streamText({ model: routerModel('auto', router), messages: MESSAGES });
      expect((await readAll(result.textStream)).join('')).toBe(TEXT);
      expect((await result.usage).outputTokens).toBeGreaterThan(0);
      expect(await result.finishReason).toBe('stop');
    });

    it('an aborted streamText ends the upstream call', async () => {
      upstream.setLatency(SLOWLY);
      const aborted = upstream.abortedCount;
      const leave = new AbortController();
      const result = streamText({
        model: routerModel('auto', router),
        messages: MESSAGES,
        abortSignal: leave.signal,
        onError: () => undefined,
      });
      for await (const _text of result.textStream) leave.abort();
      await upstream.whenAborted(aborted + 1);
      await bench.whenEnded(1);
      expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
    });

    it('tools, in a loop of steps', async () => {
      upstream.setReply(weatherScript);
      const weather = tool({
        description: 'The weather of a city.',
        inputSchema: CITY,
        execute: ({ city }) => `rain in ${city}`,
      });
      const options = {
        model: routerModel('auto', router),
        prompt: 'Weather in Paris?',
        tools: { weather },
        stopWhen: stepCountIs(3),
      };
      const { text, steps } = await generateText(options);
      expect(text).toBe('It rains in Paris.');
      expect(steps[0]?.toolResults).toMatchObject([{ toolName: 'weather', output: 'rain in Paris' }]);
      const streamed = streamText(options);
      expect((await readAll(streamed.textStream)).join('')).toBe('It rains in Paris.');
    });

    it('structured output, with the schema sent to the model', async () => {
      upstream.setReply(placeScript);
      const model = routerModel('auto', router);
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- what most code still has
      const { object, warnings } = await generateObject({ model, schema: PLACE, prompt: 'Where?' });
      expect(object).toEqual({ city: 'Paris', people: 2 });
      expect(warnings ?? []).toEqual([]);
      expect(JSON.stringify(upstream.requests.at(-1)?.body)).toContain('"people"');
      const { output } = await generateText({
        model,
        output: Output.object({ schema: PLACE }),
        prompt: 'Where?',
      });
      expect(output).toEqual({ city: 'Paris', people: 2 });
    });

    it('errors keep status and code, and what the router tried everywhere is not asked again', async () => {
      const asked = upstream.requestCount;
      upstream.failNext({ kind: 'status', status: 500 }, 2);
      const failed = await generateText({ model: routerModel('auto', router), messages: MESSAGES }).catch(
        (error: unknown) => error,
      );
      if (!APICallError.isInstance(failed)) throw failed;
      expect(failed).toMatchObject({
        statusCode: 502,
        isRetryable: false,
        data: { error: { code: 'all_attempts_failed' } },
      });
      expect(upstream.requestCount).toBe(asked + 2);

      upstream.failNext({ kind: 'status', status: 500 }, 2);
      const errors: unknown[] = [];
      const streamed = streamText({
        model: routerModel('auto', router),
        messages: MESSAGES,
        onError: ({ error }) => {
          errors.push(error);
        },
      });
      await streamed.consumeStream();
      expect(errors).toMatchObject([{ statusCode: 502, isRetryable: false }]);
      expect(upstream.requestCount).toBe(asked + 4);

      // A rate limit is worth another try, when the provider says.
      upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 1 }, 2);
      const limited = await generateText({
        model: routerModel('auto', router),
        messages: MESSAGES,
        maxRetries: 0,
      }).catch((error: unknown) => error);
      expect(limited).toMatchObject({ statusCode: 429, isRetryable: true });
      expect((limited as APICallError).responseHeaders).toMatchObject({ 'retry-after': '1' });
    });

    it("is held to the caller's surface, which options win over", async () => {
      const model = routerModel('auto', router);
      await expectNoCrossing(() => generateText({ model, messages: MESSAGES }));
      bench.clear();
      await expectNoCrossing(async () => {
        await streamText({ model, messages: MESSAGES }).consumeStream();
      });
      bench.clear();
      const bound = routerModel('auto', router.clientOptions({ surface: 'support' }));
      await router.runWith({ surface: 'drafts' }, () => generateText({ model: bound, messages: MESSAGES }));
      expect(bench.requests).toMatchObject([{ surface: 'support' }]);
    });

    it('finds the one router of the process, and says where there is none or more than one', async () => {
      const model = routerModel();
      const ask = () => generateText({ model, messages: MESSAGES, maxRetries: 0 });
      expect((await ask()).text).toBe(TEXT);
      const another = await createFaultBench({
        platform: 'express',
        http: false,
        options: {
          providers: { one: { api: 'anthropic', baseUrl: upstream.baseUrl, apiKey: 'k' } },
          models: { only: { provider: 'one' } },
          routingRules: { simple_queries: { primary: 'only' } },
        },
      });
      await expect(ask()).rejects.toThrow('2 routers run in this process');
      await another.close();
      expect((await ask()).text).toBe(TEXT);
    });
  });
});
