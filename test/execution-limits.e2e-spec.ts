import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readStream } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const DEADLINE_MS = 200;
const SLACK_MS = 250;
/** Nothing in its form says that it is one, and it has nothing of the prompt. */
const KEY = 'Zebra7f3a91QQzz';
const USER_WORDS = 'Wolframite canaryprompt number 4711';

/** Refuses every request as a careless proxy does: it quotes the headers and the body it was sent. */
async function createEchoUpstream(): Promise<{ server: Server; baseUrl: string }> {
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (piece: Buffer) => (body += piece.toString()));
    incoming.on('end', () => {
      const { authorization } = incoming.headers;
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          error: {
            message: `Invalid value for temperature. Headers: ${authorization ?? ''}; key=${authorization?.slice(7) ?? ''}. Body: ${body}`,
            type: 'invalid_request_error',
            param: 'temperature',
            code: 'bad_temperature',
          },
        }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

const ask = (content = 'Say it'): { messages: { role: 'user'; content: string }[] } => ({
  messages: [{ role: 'user', content }],
});

describe.each(PLATFORMS)('the limits of an execution, on %s', (platform) => {
  let slow: ScriptedUpstream;
  let good: ScriptedUpstream;
  let echo: Awaited<ReturnType<typeof createEchoUpstream>>;
  let bench: FaultBench;

  beforeAll(async () => {
    slow = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: 'From the slow one.' }) });
    good = await createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: 'From the good one.' }) });
    echo = await createEchoUpstream();
    const price = { inputPer1M: 10, outputPer1M: 100 };
    bench = await createFaultBench({
      platform,
      options: {
        providers: {
          slow: { api: 'openai', baseUrl: slow.baseUrl, apiKey: 'k1' },
          good: { api: 'anthropic', baseUrl: good.baseUrl, apiKey: 'k2' },
          echo: { api: 'openai', baseUrl: echo.baseUrl, apiKey: KEY },
        },
        models: {
          'slow-model': { provider: 'slow' },
          'slow-paced': { provider: 'slow' },
          'slow-last': { provider: 'slow' },
          'good-model': { provider: 'good' },
          'good-paced': { provider: 'good' },
          echoing: { provider: 'echo' },
          priced: { provider: 'slow', price, quality: 0.9 },
          'priced-paced': { provider: 'slow', price },
          'priced-next': { provider: 'good', price },
          dear: { provider: 'good', price: { inputPer1M: 10, outputPer1M: 100_000 }, quality: 0.9 },
          poor: { provider: 'good', price: { inputPer1M: 0, outputPer1M: 0 }, quality: 0.2 },
          toolless: { provider: 'good', capabilities: ['streaming'] },
          'with-tools': { provider: 'slow', capabilities: ['streaming', 'tools'] },
        },
        routingRules: {
          stalling: { primary: 'slow-model', fallback: 'good-model' },
          patient: {
            tiers: [
              { models: 'slow-paced', targetLatencyMs: 80 },
              { models: 'good-paced', targetLatencyMs: 80 },
            ],
          },
          alone: { tiers: [{ models: 'slow-last', targetLatencyMs: 20 }] },
          echoed: { primary: 'echoing', fallback: 'good-model' },
          paced: {
            tiers: [
              { models: 'priced-paced', targetLatencyMs: 60 },
              { models: 'priced-next', targetLatencyMs: 60 },
            ],
          },
          capped: { primary: 'priced', fallback: 'dear' },
          floored: { primary: 'priced', fallback: 'poor' },
          tooled: { primary: 'with-tools', fallback: 'toolless' },
        },
        surfaces: {
          thrifty: { maxCostPerRequest: 0.02 },
          picky: { qualityFloor: 0.6 },
        },
        execution: { timeouts: { firstTokenMs: 5_000 } },
      },
    });
  });

  beforeEach(() => {
    bench.clear();
    // What one case teaches is not to change the next.
    bench.engine.signals.forget();
  });

  afterEach(async () => {
    await Promise.all([slow.heal(), good.heal()]);
    slow.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
    await bench.expectQuiet(slow, good);
    // A fault of one test must not steer the next.
    bench.engine.signals.forget();
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([slow.close(), good.close()]);
    echo.server.closeAllConnections();
    await new Promise((resolve) => echo.server.close(resolve));
  });

  const client = (headers: Record<string, string> = {}): OpenAI =>
    new OpenAI({ apiKey: 'any', baseURL: `${bench.url}/v1`, maxRetries: 0, defaultHeaders: headers });

  describe('deadlines', () => {
    it.each([
      { stream: false, after: 'request' },
      { stream: false, after: 'headers' },
      { stream: false, after: 'first_token' },
      { stream: true, after: 'request' },
      { stream: true, after: 'headers' },
    ] as const)('504 when everything stalls (stream: $stream, after $after)', async ({ stream, after }) => {
      slow.failAlways({ kind: 'stalled', after });
      good.failAlways({ kind: 'stalled', after });
      const startedAt = performance.now();
      const answer = await bench.postJson(
        '/v1/chat/completions',
        { model: 'stalling', stream, ...ask() },
        { 'x-llm-deadline-ms': String(DEADLINE_MS) },
      );
      const tookMs = performance.now() - startedAt;
      expect(answer.status).toBe(504);
      expect(await answer.json()).toMatchObject({ error: { code: 'deadline_exceeded' } });
      expect(answer.headers.get('x-should-retry')).toBe('false');
      expect(tookMs).toBeGreaterThan(DEADLINE_MS - 10);
      expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
      // The client's own deadline says nothing of the surface, nor of the provider.
      expect(bench.requests).toMatchObject([{ outcome: 'client_left', errorCode: 'deadline_exceeded' }]);
      expect(bench.attempts.at(-1)?.outcome).toBe('client_left');
      expect(bench.attempts.length).toBe(bench.requests[0]!.attempts);
    });

    it('is 504 every time, however the timer falls', async () => {
      slow.failAlways({ kind: 'stalled' });
      good.failAlways({ kind: 'stalled' });
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          bench.postJson(
            '/v1/chat/completions',
            { model: 'stalling', stream: index % 2 === 0, ...ask() },
            { 'x-llm-deadline-ms': String(60 + index) },
          ),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 504));
      await Promise.all(answers.map((answer) => answer.text()));
    });

    it.each([false, true])(
      'a slow primary still answers when its fallback is dead (stream: %s)',
      async (stream) => {
        // A share of the traffic alone may be given up on: these pay for it.
        for (let index = 0; index < 10; index += 1) {
          await (await bench.postJson('/v1/chat/completions', { model: 'alone', ...ask() })).text();
        }
        bench.clear();
        slow.setLatency({ timeToFirstTokenMs: 200, tokensPerSecond: Infinity });
        good.failAlways({ kind: 'status', status: 500 });
        if (stream) {
          const read = await readStream(bench.url, { model: 'patient', ...ask() });
          expect(read.error).toBeUndefined();
          expect(read.text).toBe('From the slow one.');
          expect(read.response.headers.get('x-llm-attempts')).toBe('2');
        } else {
          const { data, response } = await client()
            .chat.completions.create({ model: 'patient', ...ask() })
            .withResponse();
          expect(data.choices[0]?.message.content).toBe('From the slow one.');
          expect(response.headers.get('x-llm-attempts')).toBe('2');
          expect(response.headers.get('x-llm-tier')).toBe('primary');
        }
        // The slow one was not cut for the other, which was sent beside it.
        expect(bench.attempts.map(({ attempt, model, outcome }) => [attempt, model, outcome])).toEqual([
          [2, 'good-paced', 'failed'],
          [1, 'slow-paced', 'succeeded'],
        ]);
      },
    );

    it.each([false, true])('the only candidate is not cut by its target (stream: %s)', async (stream) => {
      slow.setLatency({ timeToFirstTokenMs: 150, tokensPerSecond: Infinity });
      const answer = await bench.postJson('/v1/chat/completions', { model: 'alone', stream, ...ask() });
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('slow');
      expect(bench.attempts).toMatchObject([{ outcome: 'succeeded' }]);
    });
  });

  describe('failures of the request itself', () => {
    it.each([false, true])(
      'a prompt too long for one window goes to a larger one (stream: %s)',
      async (stream) => {
        const refuse = createServer((incoming, response) => {
          incoming.resume().on('end', () => {
            response.writeHead(400, { 'content-type': 'application/json' });
            response.end(
              JSON.stringify({
                error: {
                  message: "This model's maximum context length is 8000 tokens.",
                  type: 'invalid_request_error',
                  param: 'messages',
                  code: 'context_length_exceeded',
                },
              }),
            );
          });
        });
        refuse.listen(0, '127.0.0.1');
        await once(refuse, 'listening');
        const other = await createFaultBench({
          platform,
          options: {
            providers: {
              small: {
                api: 'openai',
                baseUrl: `http://127.0.0.1:${(refuse.address() as AddressInfo).port}/v1`,
                apiKey: 'k',
              },
              good: { api: 'anthropic', baseUrl: good.baseUrl, apiKey: 'k2' },
            },
            models: {
              narrow: { provider: 'small', contextWindow: 8_000 },
              narrower: { provider: 'good', contextWindow: 4_000 },
              wide: { provider: 'good', contextWindow: 200_000 },
            },
            routingRules: {
              windows: { tiers: [{ models: 'narrow' }, { models: 'narrower' }, { models: 'wide' }] },
              narrow_only: { tiers: [{ models: 'narrow' }, { models: 'narrower' }] },
            },
          },
        });
        try {
          const answer = await other.postJson('/v1/chat/completions', { model: 'windows', stream, ...ask() });
          expect(answer.status).toBe(200);
          expect(await answer.text()).toContain('good');
          expect(other.attempts.map(({ model, errorKind }) => [model, errorKind])).toEqual([
            ['narrow', 'context_length'],
            ['wide', undefined],
          ]);
          // A prompt too long says nothing of the deployment's health.
          expect(other.engine.signals.of(other.attempts[0]!.deployment)).toMatchObject({
            samples: 0,
            errorRate: 0,
          });
          other.clear();
          const refused = await other.postJson('/v1/chat/completions', {
            model: 'narrow_only',
            stream,
            ...ask(),
          });
          expect(refused.status).toBe(400);
          expect(await refused.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
          expect(other.attempts).toHaveLength(1);
        } finally {
          await other.close();
          refuse.closeAllConnections();
          refuse.close();
        }
      },
    );

    it.each([false, true])(
      'a request that is wrong in itself is not tried elsewhere (stream: %s)',
      async (stream) => {
        for (const status of [400, 413, 422]) {
          bench.clear();
          const before = good.requestCount;
          slow.failNext({ kind: 'status', status });
          const answer = await bench.postJson('/v1/chat/completions', {
            model: 'stalling',
            stream,
            ...ask(),
          });
          expect(answer.status).toBe(status);
          await answer.text();
          expect(good.requestCount).toBe(before);
          expect(bench.attempts).toHaveLength(1);
        }
      },
    );

    it.each([false, true])(
      'passes through without the key and the prompt that it quotes (stream: %s)',
      async (stream) => {
        const before = good.requestCount;
        const answer = await bench.postJson('/v1/chat/completions', {
          model: 'echoed',
          stream,
          temperature: 0.5,
          messages: [
            { role: 'system', content: 'Obey\nSystemcanary.' },
            { role: 'user', content: [{ type: 'text', text: USER_WORDS }] },
            {
              role: 'assistant',
              content: null,
              tool_calls: [
                {
                  id: 'call_1',
                  type: 'function',
                  function: { name: 'look', arguments: '{"q":"Argumentcanary"}' },
                },
              ],
            },
            { role: 'tool', tool_call_id: 'call_1', content: 'Toolcanary' },
          ],
        });
        expect(answer.status).toBe(400);
        const text = await answer.text();
        const { error } = JSON.parse(text) as { error: Record<string, string> };
        expect(error).toMatchObject({ code: 'upstream_rejected', param: 'temperature' });
        // The provider's own wording is still of use.
        expect(error.message).toMatch(/^Invalid value for temperature\./);
        for (const secret of [KEY, 'canary', 'Wolframite', '4711', 'Argument', 'Systemc']) {
          expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
        }
        expect(good.requestCount).toBe(before);
        expect(JSON.stringify([bench.attempts, bench.requests])).not.toMatch(/canary|4711/i);
      },
    );
  });

  describe('hard limits', () => {
    it('lowers the token limit to what the cap pays for, and rejects who cannot give 16 tokens', async () => {
      const explained = (await (
        await bench.postJson('/router/explain', { model: 'capped', ...ask() }, { 'x-llm-surface': 'thrifty' })
      ).json()) as {
        features: { inputTokens: number };
        plan: { attempts: { model: string; maxOutputTokens: number }[] };
        rejected: { model: string; reason: string }[];
      };
      const { inputTokens } = explained.features;
      const affordable = Math.floor((0.02 - Math.ceil(inputTokens * 1.2) * 10e-6) / 100e-6);
      expect(explained.plan.attempts).toMatchObject([{ model: 'priced', maxOutputTokens: affordable }]);
      expect(explained.rejected).toMatchObject([{ model: 'dear', reason: 'request_cost' }]);

      for (const [asked, sent] of [
        [undefined, affordable],
        [100_000, affordable],
        [50, 50],
        // A client that wants little is not one whose cap pays for little.
        [5, 5],
      ] as const) {
        await client({ 'x-llm-surface': 'thrifty' }).chat.completions.create({
          model: 'capped',
          ...ask(),
          ...(asked === undefined ? {} : { max_completion_tokens: asked }),
        });
        expect(slow.requests.at(-1)?.maxOutputTokens).toBe(sent);
      }
    });

    it.each([
      { words: 500, isServed: true },
      { words: 950, isServed: false },
    ])('counts what the attempts before cost against the cap ($words words)', async ({ words, isServed }) => {
      // A call that was given up on has been billed for its prompt.
      slow.failNext({ kind: 'stalled' });
      const before = good.requestCount;
      const answer = await bench.postJson(
        '/v1/chat/completions',
        { model: 'paced', ...ask('word '.repeat(words)) },
        { 'x-llm-surface': 'thrifty' },
      );
      const body: unknown = await answer.json();
      const [first] = bench.attempts;
      expect(first).toMatchObject({ outcome: 'timed_out', usageSource: 'estimated' });
      const promptUsd = first!.usage.promptTokens * 10e-6;
      expect(first!.costUsd).toBeCloseTo(promptUsd, 9);
      // The estimate has a slack of a fifth: the call must be paid for even then.
      const utmostUsd = Math.ceil(first!.usage.promptTokens * 1.2) * 10e-6;
      if (isServed) {
        expect(answer.status).toBe(200);
        expect(good.requests.at(-1)?.maxOutputTokens).toBe(
          Math.floor((0.02 - promptUsd - utmostUsd) / 100e-6 + 1e-9),
        );
        expect(slow.requests.at(-1)?.maxOutputTokens).toBe(Math.floor((0.02 - utmostUsd) / 100e-6 + 1e-9));
        expect(Number(answer.headers.get('x-llm-cost-usd'))).toBeLessThanOrEqual(0.02);
      } else {
        // What is left would not pay for 16 tokens: not even the last resort may break the cap.
        expect(answer.status).toBe(502);
        expect(body).toMatchObject({ error: { code: 'all_attempts_failed' } });
        expect(good.requestCount).toBe(before);
        expect(bench.attempts).toHaveLength(1);
      }
    });

    it('hold on the last resort: a quality floor', async () => {
      slow.failAlways({ kind: 'status', status: 500 });
      const before = good.requestCount;
      const answer = await bench.postJson(
        '/v1/chat/completions',
        { model: 'floored', ...ask() },
        { 'x-llm-surface': 'picky' },
      );
      expect(answer.status).toBe(502);
      expect(answer.headers.get('x-should-retry')).toBe('false');
      expect(await answer.json()).toMatchObject({ error: { code: 'all_attempts_failed' } });
      expect(good.requestCount).toBe(before);
      // The same one again, and nobody under the floor.
      expect(new Set(bench.attempts.map(({ model }) => model))).toEqual(new Set(['priced']));
    });

    it('hold on the last resort: a capability', async () => {
      slow.failAlways({ kind: 'status', status: 503 });
      const before = good.requestCount;
      const answer = await bench.postJson('/v1/chat/completions', {
        model: 'tooled',
        ...ask(),
        tools: [
          { type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } },
        ],
      });
      expect(answer.status).toBe(502);
      await answer.text();
      expect(good.requestCount).toBe(before);
      // Without tools the same fallback serves.
      const served = await bench.postJson('/v1/chat/completions', { model: 'tooled', ...ask() });
      expect(served.status).toBe(200);
      await served.text();
      expect(good.requestCount).toBe(before + 1);
    });

    it('429 with the smallest Retry-After when every attempt ended so', async () => {
      slow.failNext({ kind: 'status', status: 429, retryAfterSeconds: 7 });
      good.failNext({ kind: 'status', status: 429, retryAfterSeconds: 3 });
      const answer = await bench.postJson(
        '/v1/chat/completions',
        { model: 'stalling', ...ask() },
        // Neither wait fits.
        { 'x-llm-deadline-ms': '2000' },
      );
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBe(3);
      expect(await answer.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
    });
  });
});
