import type { Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamRequest,
  type UpstreamRequestFault,
} from 'nestjs-llm-router/testing';
import { CLIENT_DRIVERS, type ClientDriver, type ClientTarget } from './support/clients/index.js';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { type Platform, PLATFORMS } from './support/router-app.js';
import { countResults, exchangesOf, imagesOf } from './support/upstream-exchanges.js';

/** The newest of Gemini's refuse a call without its thought signature: clients that know of none must get by. */
const MODELS = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  gemini: 'gemini-3-flash-preview',
} as const;
type Wire = keyof typeof MODELS;
const WIRES = Object.keys(MODELS) as Wire[];

const TEXT = 'one two three four five six — äöü 日本 🦀';
const USAGE = { promptTokens: 21, completionTokens: 13, cachedTokens: 5 };
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const KEY = 'key-of-the-client';
const COUNT = { text: 'Count' };

/** Two rounds of tools: three calls at once, one of them without arguments; then one more; then words. */
function travelScript(request: UpstreamRequest) {
  const asked = exchangesOf(request).length;
  if (asked === 0) {
    return {
      toolCalls: [
        { name: 'weather', arguments: { city: 'Paris' } },
        { name: 'clock', arguments: {} },
        { name: 'weather', arguments: { city: 'Zürich "HB"' } },
      ],
    };
  }
  if (asked === 3) return { text: 'One more.', toolCalls: [{ name: 'clock', arguments: {} }] };
  return { text: `Take ${countResults(request)} umbrellas.` };
}

const TRAVEL = [
  { name: 'weather', arguments: { city: 'Paris' }, result: 'It rains in Paris.' },
  { name: 'clock', arguments: {}, result: 'It is noon.' },
  { name: 'weather', arguments: { city: 'Zürich "HB"' }, result: 'It rains in Zürich "HB".' },
  { name: 'clock', arguments: {}, result: 'It is noon.' },
];

/** The answer where the wire wants it: as text, or as the input of the tool that has to be called. */
const placeScript = ({ toolChoice }: UpstreamRequest) =>
  typeof toolChoice === 'object'
    ? { toolCalls: [{ name: toolChoice.name, arguments: { city: 'Paris', people: 2 } }] }
    : { text: '{"city":"Paris","people":2}' };

/** Where what passed: by client and case. */
const matrix = new Map<string, Map<string, Set<string>>>();

/** A test that leaves its mark in the matrix once it has passed. */
function cell(
  where: { readonly driver: ClientDriver; readonly platform: Platform; readonly wire: Wire },
  name: string,
  test: () => Promise<void>,
): void {
  it(name, async () => {
    await test();
    const row = matrix.get(where.driver.name) ?? new Map<string, Set<string>>();
    matrix.set(where.driver.name, row);
    row.set(name, (row.get(name) ?? new Set()).add(`${where.wire}/${where.platform}`));
  });
}

afterAll(() => {
  const clients = CLIENT_DRIVERS.map(({ name }) => name);
  const cases = [...new Set(clients.flatMap((client) => [...(matrix.get(client)?.keys() ?? [])]))];
  const wiresOf = (client: string, name: string): string => {
    const passed = matrix.get(client)?.get(name);
    return WIRES.filter((wire) => PLATFORMS.every((platform) => passed?.has(`${wire}/${platform}`)))
      .map((wire) => wire.slice(0, 1).toUpperCase())
      .join('');
  };
  const line = (title: string, cells: readonly string[]): string =>
    `${title.padEnd(72)}${cells.map((text, column) => text.padEnd(clients[column]!.length + 2)).join('')}`.trimEnd();
  const lines = cases.map((name) =>
    line(
      name,
      clients.map((client) => wiresOf(client, name)),
    ),
  );
  console.info(
    [
      `Passed on ${PLATFORMS.join(' and ')}, by wire (${WIRES.join(', ')}):`,
      line('', clients),
      ...lines,
    ].join('\n'),
  );
});

describe.each(PLATFORMS)('clients on %s', (platform) => {
  describe.each(WIRES)('over the %s wire', (wire) => {
    let upstream: ScriptedUpstream;
    let bench: FaultBench;
    let target: ClientTarget;
    const model = MODELS[wire];

    beforeAll(async () => {
      upstream = await createScriptedUpstream({ api: wire });
      bench = await createFaultBench({
        platform,
        options: {
          providers: { upstream: { api: wire, baseUrl: upstream.baseUrl, apiKey: 'k' } },
          models: { [model]: { provider: 'upstream' } },
          routingRules: { simple_queries: { primary: model } },
          http: { apiKeys: [{ key: KEY }] },
        },
      });
      target = { baseUrl: `${bench.url}/v1`, apiKey: KEY, model: 'auto', maxRetries: 0 };
    });

    beforeEach(() => {
      bench.clear();
      upstream.setReply(() => ({ text: TEXT, usage: USAGE }));
    });

    afterEach(async () => {
      await bench.expectQuiet(upstream);
    });

    afterAll(async () => {
      await closeAtOnce(bench);
      await upstream.close();
    });

    describe.each(CLIENT_DRIVERS.map((driver) => [driver.name, driver] as const))('%s', (_name, driver) => {
      const here = { driver, platform, wire };
      const finish = driver.name === '@openai/agents' ? undefined : 'stop';
      const usage = { prompt: USAGE.promptTokens, completion: USAGE.completionTokens };

      cell(here, 'chat', async () => {
        expect(await driver.chat(target, COUNT)).toEqual({ text: TEXT, finish, usage });
        expect(upstream.requests.at(-1)).toMatchObject({ model, streamed: false, lastUserText: 'Count' });
      });

      cell(here, 'stream, usage asked for', async () => {
        expect(await driver.stream(target, COUNT, { isUsageAsked: true })).toEqual({
          text: TEXT,
          finish,
          usage,
        });
        expect(upstream.requests.at(-1)).toMatchObject({ streamed: true });
        expect(bench.requests).toMatchObject([{ outcome: 'succeeded', streamed: true }]);
      });

      if (driver.mayLeaveUsageOut) {
        cell(here, 'stream, usage not asked for: none comes, and it is counted', async () => {
          const answer = await driver.stream(target, COUNT, { isUsageAsked: false });
          expect(answer).toEqual({ text: TEXT, finish, usage: undefined });
          expect(bench.requests).toMatchObject([
            { usage: { promptTokens: USAGE.promptTokens, completionTokens: USAGE.completionTokens } },
          ]);
        });
      }

      for (const isStreamed of [false, true]) {
        cell(here, `tools, two rounds${isStreamed ? ', streamed' : ''}`, async () => {
          upstream.setReply(travelScript);
          const { text, runs } = await driver.toolLoop(target, { text: 'Where to?' }, { isStreamed });
          expect(text).toBe('Take 4 umbrellas.');
          const calls = TRAVEL.map(({ name, arguments: input }) => ({ name, arguments: input }));
          expect(sorted(runs)).toEqual(sorted(calls));
          // Every result stands under its own call.
          expect(exchangesOf(upstream.requests.at(-1)!)).toEqual(TRAVEL);
          expect(bench.requests.map(({ outcome, streamed }) => [outcome, streamed])).toEqual(
            [1, 2, 3].map(() => ['succeeded', isStreamed]),
          );
        });
      }

      cell(here, 'structured output', async () => {
        upstream.setReply(placeScript);
        expect(await driver.structured(target, { text: 'Where?' })).toEqual({ city: 'Paris', people: 2 });
        // The schema itself has arrived, not only the wish for JSON.
        expect(JSON.stringify(upstream.requests.at(-1)?.body)).toContain('"people"');
      });

      cell(here, 'an image by data URL', async () => {
        const prompt = { text: 'What is this?', image: `data:image/png;base64,${PNG}` };
        expect(await driver.chat(target, prompt)).toMatchObject({ text: TEXT });
        expect(imagesOf(upstream.requests.at(-1)!)).toEqual([{ mediaType: 'image/png', base64: PNG }]);
        expect(upstream.requests.at(-1)?.lastUserText).toBe('What is this?');
      });

      cell(here, 'abort in mid-stream: the upstream call is ended', async () => {
        // Nothing more comes, so that no write can find out that the client has gone.
        upstream.failNext({ kind: 'stalled', after: 'first_token' });
        const aborted = upstream.abortedCount;
        const first = await driver.abortMidStream(target, COUNT);
        expect(first).not.toBe('');
        expect(TEXT.startsWith(first)).toBe(true);
        await upstream.whenAborted(aborted + 1);
        await bench.whenEnded(1);
        expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
      });
    });
  });

  describe('errors and retries', () => {
    /** A model at an upstream of its own for every client and fault: what one teaches the signals is not another's. */
    const FAULTS: Readonly<Record<string, UpstreamRequestFault>> = {
      broken: { kind: 'status', status: 500 },
      limited: { kind: 'status', status: 429, retryAfterSeconds: 600 },
      limited_streamed: { kind: 'status', status: 429, retryAfterSeconds: 600 },
      refusing: { kind: 'status', status: 400 },
      breaking: { kind: 'stream_error', afterChunks: 2 },
      limited_once: { kind: 'status', status: 429, retryAfterSeconds: 1 },
    };
    const upstreams = new Map<string, ScriptedUpstream>();
    /** What waits between two tries runs beside the other tests. */
    const retried = new Map<string, Promise<unknown>>();
    let bench: FaultBench;

    const nameOf = (driver: ClientDriver, fault: string): string =>
      `${fault}-${CLIENT_DRIVERS.indexOf(driver)}`;
    const targetOf = (driver: ClientDriver, fault: string, maxRetries = 0): ClientTarget => ({
      baseUrl: `${bench.url}/v1`,
      apiKey: KEY,
      model: nameOf(driver, fault),
      maxRetries,
    });
    const settled = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

    beforeAll(async () => {
      for (const driver of CLIENT_DRIVERS) {
        for (const fault of [...Object.keys(FAULTS), 'broken_retried']) {
          const upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: TEXT }) });
          upstreams.set(nameOf(driver, fault), upstream);
        }
      }
      bench = await createFaultBench({
        platform,
        options: {
          providers: Object.fromEntries(
            [...upstreams].map(([name, { baseUrl }]) => [
              `at-${name}`,
              { api: 'openai', baseUrl, apiKey: 'k' },
            ]),
          ),
          models: Object.fromEntries(
            [...upstreams].map(([name]) => [
              name,
              { provider: `at-${name}`, capabilities: ['streaming'], quality: 0.5 },
            ]),
          ),
          routingRules: { simple_queries: { primary: nameOf(CLIENT_DRIVERS[0]!, 'broken') } },
          clientModel: 'binding',
          http: { apiKeys: [{ key: KEY }] },
          // The router calls nobody twice: whatever is asked again here, the client asks.
          execution: { maxAttempts: 1 },
        },
      });
      for (const driver of CLIENT_DRIVERS) {
        for (const [fault, what] of Object.entries(FAULTS)) {
          const upstream = upstreams.get(nameOf(driver, fault))!;
          if (fault === 'limited_once') upstream.failNext(what);
          else upstream.failAlways(what);
          // Pieces that come with the error in one packet have not begun.
          if (fault === 'breaking') {
            upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 8 });
          }
        }
        upstreams.get(nameOf(driver, 'broken_retried'))!.failAlways({ kind: 'status', status: 500 });
        for (const fault of ['limited_once', 'broken_retried']) {
          retried.set(nameOf(driver, fault), settled(driver.chat(targetOf(driver, fault, 1), COUNT)));
        }
      }
    });

    afterAll(async () => {
      await Promise.all(retried.values());
      await closeAtOnce(bench);
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
    });

    describe.each(CLIENT_DRIVERS.map((driver) => [driver.name, driver] as const))('%s', (_name, driver) => {
      const here = { driver, platform, wire: 'openai' as const };
      const upstreamOf = (fault: string): ScriptedUpstream => upstreams.get(nameOf(driver, fault))!;

      /** Requests that reached the router and went no further. */
      const refusalsOf = (code: string): number =>
        bench.requests.filter(({ errorCode, attempts }) => errorCode === code && attempts === 0).length;

      for (const isStreamed of [false, true]) {
        const way = isStreamed ? ', streamed' : '';

        cell(here, `400 of ours${way}: its class, not repeated`, async () => {
          const target = { ...targetOf(driver, 'broken', 2), temperature: 9 };
          const before = refusalsOf('invalid_request');
          await driver.expectError(
            target,
            { isStreamed },
            {
              status: 400,
              code: 'invalid_request',
              type: 'invalid_request_error',
              param: 'temperature',
            },
          );
          expect(refusalsOf('invalid_request')).toBe(before + 1);
        });

        cell(here, `400 of the provider${way}: its class, not repeated`, async () => {
          const before = upstreamOf('refusing').requestCount;
          await driver.expectError(
            targetOf(driver, 'refusing', 2),
            { isStreamed },
            {
              status: 400,
              code: 'upstream_rejected',
              type: 'invalid_request_error',
              param: null,
            },
          );
          expect(upstreamOf('refusing').requestCount).toBe(before + 1);
        });

        cell(here, `401${way}: its class, not repeated`, async () => {
          const target = { ...targetOf(driver, 'broken', 2), apiKey: 'wrong' };
          const before = refusalsOf('invalid_api_key');
          await driver.expectError(
            target,
            { isStreamed },
            {
              status: 401,
              code: 'invalid_api_key',
              type: 'authentication_error',
              param: null,
            },
          );
          expect(refusalsOf('invalid_api_key')).toBe(before + 1);
        });

        cell(here, `404${way}: its class, not repeated`, async () => {
          const target = { ...targetOf(driver, 'broken', 2), model: 'gpt-97' };
          const before = refusalsOf('model_not_found');
          await driver.expectError(
            target,
            { isStreamed },
            {
              status: 404,
              code: 'model_not_found',
              type: 'invalid_request_error',
              param: 'model',
            },
          );
          expect(refusalsOf('model_not_found')).toBe(before + 1);
        });

        cell(here, `429${way}: its class`, async () => {
          // Each has its own: while it is out, nothing is sent to it.
          const fault = isStreamed ? 'limited_streamed' : 'limited';
          await driver.expectError(
            targetOf(driver, fault),
            { isStreamed },
            {
              status: 429,
              code: 'rate_limit_exceeded',
              type: 'rate_limit_error',
              param: null,
            },
          );
          expect(upstreamOf(fault).requestCount).toBe(1);
        });

        cell(here, `500 of the provider${way}: a server error`, async () => {
          await driver.expectError(
            targetOf(driver, 'broken'),
            { isStreamed },
            {
              status: 502,
              code: 'all_attempts_failed',
              type: 'server_error',
              param: null,
            },
          );
        });
      }

      cell(here, 'an error in mid-stream is raised, not repeated', async () => {
        const before = upstreamOf('breaking').requestCount;
        await driver.expectError(
          targetOf(driver, 'breaking', 2),
          { isStreamed: true },
          {
            status: undefined,
            code: 'stream_interrupted',
            type: 'server_error',
            param: null,
          },
        );
        expect(upstreamOf('breaking').requestCount).toBe(before + 1);
      });

      cell(here, '429 once: asked again after the wait, and answered', async () => {
        expect(await retried.get(nameOf(driver, 'limited_once'))).toMatchObject({ text: TEXT });
        const [first, second, ...more] = upstreamOf('limited_once').requests;
        expect(more).toEqual([]);
        expect(second!.receivedAt - first!.receivedAt).toBeGreaterThan(900);
      });

      cell(here, '502 with x-should-retry: false: asked again only by clients deaf to it', async () => {
        expect(await retried.get(nameOf(driver, 'broken_retried'))).toBeInstanceOf(Error);
        const attempts = bench.attempts.filter(({ model }) => model === nameOf(driver, 'broken_retried'));
        const asked = new Set(attempts.map(({ decisionId }) => decisionId));
        expect(asked.size).toBe(driver.heedsShouldRetry ? 1 : 2);
      });
    });
  });
});

/**
 * After an abort `fetch` opens a spare connection to the same place. What has carried no request yet is not idle to
 * Node, and Fastify's `close` would wait for it as long as its keep-alive lasts, 72 seconds.
 */
async function closeAtOnce({ app, close }: FaultBench): Promise<void> {
  (app.getHttpServer() as Server).closeAllConnections();
  await close();
}

function sorted<Value>(values: readonly Value[]): Value[] {
  return [...values].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}
