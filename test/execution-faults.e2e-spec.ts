import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamApi,
  type UpstreamRequestFault,
} from 'nestjs-llm-router/testing';
import { createFaultBench, expectInterrupted, type FaultBench, readStream } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const LONG_TEXT = 'one two three four five six seven eight';
const MOVE_ON_MS = 60;

interface FaultCase {
  readonly name: string;
  /** Undefined: the primary's upstream is one that refuses connections. */
  readonly fault: UpstreamRequestFault | undefined;
  readonly errorKind: string | RegExp;
  /** What the attempt's record says where the answer is not streamed; `errorKind` where it says the same. */
  readonly wholeErrorKind?: string | RegExp;
  readonly outcome?: 'failed' | 'timed_out';
  readonly wholeOutcome?: 'failed' | 'timed_out';
  /** The stream has begun before it fails. */
  readonly interrupts?: boolean;
}

const CASES: readonly FaultCase[] = [
  { name: 'refused', fault: undefined, errorKind: 'connection' },
  { name: 'status_500', fault: { kind: 'status', status: 500 }, errorKind: 'server_error' },
  { name: 'status_503', fault: { kind: 'status', status: 503 }, errorKind: 'overloaded' },
  {
    name: 'status_429',
    fault: { kind: 'status', status: 429, retryAfterSeconds: 3 },
    errorKind: 'rate_limited',
  },
  {
    name: 'stalled_request',
    fault: { kind: 'stalled', after: 'request' },
    errorKind: 'timeout',
    outcome: 'timed_out',
  },
  {
    name: 'stalled_headers',
    fault: { kind: 'stalled', after: 'headers' },
    errorKind: 'timeout',
    outcome: 'timed_out',
  },
  {
    name: 'stalled_first_token',
    fault: { kind: 'stalled', after: 'first_token' },
    errorKind: 'timeout',
    outcome: 'timed_out',
    interrupts: true,
  },
  { name: 'cut_0', fault: { kind: 'cut', afterChunks: 0 }, errorKind: /^(?:connection|stream_cut)$/ },
  {
    name: 'cut_2',
    fault: { kind: 'cut', afterChunks: 2 },
    errorKind: /^(?:connection|stream_cut)$/,
    interrupts: true,
  },
  {
    name: 'stream_error_0',
    fault: { kind: 'stream_error', afterChunks: 0 },
    errorKind: /^(?:overloaded|server_error)$/,
    wholeErrorKind: 'overloaded',
  },
  {
    name: 'stream_error_2',
    fault: { kind: 'stream_error', afterChunks: 2 },
    errorKind: /^(?:overloaded|server_error)$/,
    wholeErrorKind: 'overloaded',
    interrupts: true,
  },
];

const OTHER_WIRE: Record<UpstreamApi, UpstreamApi> = {
  openai: 'anthropic',
  'azure-openai': 'anthropic',
  anthropic: 'gemini',
  gemini: 'openai',
};

const QUESTION = { role: 'user', content: 'Count to eight' } as const;

describe.each(PLATFORMS)('faults on %s', (platform) => {
  describe.each(['openai', 'anthropic', 'gemini'] as const)('of an upstream on the %s wire', (api) => {
    let faulty: ScriptedUpstream;
    let dead: ScriptedUpstream;
    let healthy: ScriptedUpstream;
    let bench: FaultBench;

    beforeAll(async () => {
      faulty = await createScriptedUpstream({
        api,
        reply: () => ({ text: LONG_TEXT }),
        // What comes in one packet with its error has not begun: these pieces must come one by one.
        latency: (model) => ({
          timeToFirstTokenMs: 0,
          tokensPerSecond: model === 'stream_error_2-stream' ? 50 : Infinity,
        }),
      });
      dead = await createScriptedUpstream({ api });
      dead.failAlways({ kind: 'refused' });
      healthy = await createScriptedUpstream({ api: OTHER_WIRE[api], reply: () => ({ text: 'Fallback.' }) });
      // A rule and a primary a case: what one case teaches the signals does not change the plan of the next.
      bench = await createFaultBench({
        platform,
        options: {
          providers: {
            faulty: { api, baseUrl: faulty.baseUrl, apiKey: 'key-of-faulty' },
            dead: { api, baseUrl: dead.baseUrl, apiKey: 'key-of-dead' },
            healthy: { api: OTHER_WIRE[api], baseUrl: healthy.baseUrl, apiKey: 'key-of-healthy' },
          },
          models: {
            ...Object.fromEntries(
              CASES.flatMap(({ name, fault }) =>
                ['stream', 'whole'].map((way) => [
                  `${name}-${way}`,
                  { provider: fault === undefined ? 'dead' : 'faulty' },
                ]),
              ),
            ),
            spare: { provider: 'healthy' },
          },
          routingRules: Object.fromEntries(
            CASES.flatMap(({ name, fault }) =>
              ['stream', 'whole'].map((way) => [
                `${name}_${way}`,
                fault?.kind === 'stalled'
                  ? {
                      tiers: [
                        { models: `${name}-${way}`, targetLatencyMs: MOVE_ON_MS },
                        { models: 'spare', targetLatencyMs: 5_000 },
                      ],
                    }
                  : { primary: `${name}-${way}`, fallback: 'spare' },
              ]),
            ),
          ),
          execution: { deadlineMs: 5_000, timeouts: { firstTokenMs: 4_000, idleMs: 200 } },
        },
      });
    });

    beforeEach(() => {
      bench.clear();
    });

    afterAll(async () => {
      await bench.close();
      await Promise.all([faulty.close(), dead.close(), healthy.close()]);
    });

    it.each(CASES)('$name: a whole answer comes from the fallback', async (test) => {
      const before = healthy.requestCount;
      if (test.fault !== undefined) faulty.failNext(test.fault);
      const { data, response } = await bench.client.chat.completions
        .create({ model: `${test.name}_whole`, messages: [QUESTION] })
        .withResponse();
      expect(data.choices[0]?.message.content).toBe('Fallback.');
      expect(response.headers.get('x-llm-tier')).toBe('secondary');
      expect(response.headers.get('x-llm-attempts')).toBe('2');
      expect(response.headers.get('x-llm-provider')).toBe('healthy');
      expect(healthy.requestCount).toBe(before + 1);
      expect(bench.attempts).toMatchObject([
        {
          attempt: 1,
          model: `${test.name}-whole`,
          tier: 'primary',
          outcome: test.fault?.kind === 'stalled' ? 'timed_out' : 'failed',
          errorKind: expect.stringMatching(test.wholeErrorKind ?? test.errorKind) as string,
          streamed: false,
        },
        { attempt: 2, model: 'spare', tier: 'secondary', outcome: 'succeeded', usageSource: 'reported' },
      ]);
      expect(bench.requests).toMatchObject([
        {
          outcome: 'succeeded',
          attempts: 2,
          servedBy: { model: 'spare', tier: 'secondary' },
          decisionId: response.headers.get('x-llm-decision-id'),
        },
      ]);
      await bench.expectQuiet(faulty, healthy);
    });

    it.each(CASES.filter(({ interrupts }) => interrupts !== true))(
      '$name: a stream that has not begun comes from the fallback',
      async (test) => {
        if (test.fault !== undefined) faulty.failNext(test.fault);
        const read = await readStream(bench.url, { model: `${test.name}_stream`, messages: [QUESTION] });
        expect(read.error).toBeUndefined();
        expect(read.text).toBe('Fallback.');
        expect(read.raw).toMatch(/data: \[DONE\]\n\n$/);
        expect(read.response.headers.get('x-llm-tier')).toBe('secondary');
        expect(read.response.headers.get('x-llm-attempts')).toBe('2');
        expect(bench.attempts).toMatchObject([
          {
            attempt: 1,
            model: `${test.name}-stream`,
            outcome: test.outcome ?? 'failed',
            errorKind: expect.stringMatching(test.errorKind) as string,
            timeToFirstTokenMs: undefined,
            streamed: true,
          },
          { attempt: 2, model: 'spare', outcome: 'succeeded' },
        ]);
        expect(bench.requests).toMatchObject([{ outcome: 'succeeded', attempts: 2 }]);
        await bench.expectQuiet(faulty, healthy);
      },
    );

    it.each(CASES.filter(({ interrupts }) => interrupts))(
      '$name: a stream that has begun ends with an error event',
      async (test) => {
        const before = healthy.requestCount;
        faulty.failNext(test.fault!);
        const read = await readStream(bench.url, { model: `${test.name}_stream`, messages: [QUESTION] });
        expectInterrupted(read);
        expect(LONG_TEXT).toContain(read.text);
        expect(healthy.requestCount).toBe(before);
        expect(bench.attempts).toMatchObject([
          {
            attempt: 1,
            outcome: test.outcome ?? 'failed',
            errorKind: expect.stringMatching(test.errorKind) as string,
            timeToFirstTokenMs: expect.any(Number) as number,
            usageSource: 'estimated',
          },
        ]);
        expect(bench.attempts[0]!.usage.completionTokens).toBeGreaterThan(0);
        expect(bench.requests).toMatchObject([
          { outcome: 'failed', errorCode: 'stream_interrupted', attempts: 1 },
        ]);
        await bench.expectQuiet(faulty, healthy);
      },
    );

    it('shows in the KPIs: every attempt at its deployment, every request once', async () => {
      const kpis = (await (await bench.fetch('/router/kpis')).json()) as {
        total: Record<string, number>;
        models: Record<string, Record<string, number>>;
      };
      const interrupted = CASES.filter(({ interrupts }) => interrupts).length;
      expect(kpis.total).toMatchObject({
        requests: 2 * CASES.length,
        succeeded: 2 * CASES.length - interrupted,
        errors: interrupted,
      });
      expect(kpis.models.spare).toMatchObject({ requests: 2 * CASES.length - interrupted, errors: 0 });
      for (const { name } of CASES) {
        const { requests, errors = 0, timeouts = 0 } = kpis.models[`${name}-whole`]!;
        expect({ name, requests, ended: errors + timeouts }).toEqual({ name, requests: 1, ended: 1 });
      }
    });
  });
});
