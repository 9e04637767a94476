import { afterEach, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import {
  createTlsFailure,
  type ScriptedUpstreamOptions,
  type UpstreamRequestFault,
} from 'nestjs-llm-router/testing';
import { PLATFORMS } from './support/router-app.js';
import { createScene, type Scene } from './support/scene.js';

const TEXT = 'one two three four five six seven eight nine ten eleven twelve';
const FIRST: ScriptedUpstreamOptions = {
  api: 'openai',
  reply: () => ({ text: TEXT }),
  latency: { timeToFirstTokenMs: 0, tokensPerSecond: 80 },
};
const SECOND: ScriptedUpstreamOptions = { api: 'anthropic', reply: () => ({ text: 'Second.' }) };
/** The one that is put to the test, and one that is too long to be it. */
const SHORT_MS = 120;
const LONG_MS = 20_000;
const EARLY_MS = 3;
const LATE_MS = 1_000;

type Pair = 'first' | 'second';
type Timeout = 'firstTokenMs' | 'idleMs' | 'maxStreamMs';
const PLACES = ['execution', 'deployment', 'tier', 'surface'] as const;
type Place = (typeof PLACES)[number];

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** With the short timeout at one place, and the long one at all others. */
async function open(timeout: Timeout, short: Place): Promise<Scene<Pair>> {
  const at = (place: Place): { timeouts: NonNullable<LlmRouterOptions['execution']>['timeouts'] } | object =>
    place === short
      ? { timeouts: { [timeout]: SHORT_MS } }
      : // An own timeout takes the place of the general one, so nobody else may have one where that is short.
        short === 'execution'
        ? {}
        : { timeouts: { [timeout]: LONG_MS } };
  const scene = await createScene<Pair>({
    upstreams: { first: FIRST, second: SECOND },
    models: { first: { deployments: [{ provider: 'first', ...at('deployment') }] } },
    options: {
      routingRules: {
        simple_queries: {
          tiers: [
            { models: 'first', targetLatencyMs: LONG_MS, ...at('tier') },
            { models: 'second', targetLatencyMs: LONG_MS },
          ],
        },
      },
      surfaces: { support: { latencySloMs: LONG_MS, ...at('surface') } },
      execution: { deadlineMs: 30_000, ...at('execution') },
    },
  });
  closing.push(() => scene.close());
  // The first request ever takes its time.
  await scene.ask('auto');
  scene.clear();
  return scene;
}

const headers = { 'x-llm-surface': 'support' };

interface Required {
  readonly timeout: Timeout;
  readonly stream: boolean;
  readonly fault: UpstreamRequestFault | undefined;
  /** What the record says ended it. */
  readonly cause: string;
  /** Undefined: the stream had begun, and ends with an error event. */
  readonly text: string | undefined;
}

const REQUIRED: readonly Required[] = [
  { timeout: 'firstTokenMs', stream: true, fault: { kind: 'stalled' }, cause: 'too_slow', text: 'Second.' },
  {
    timeout: 'firstTokenMs',
    stream: true,
    fault: { kind: 'stalled', after: 'headers' },
    cause: 'too_slow',
    text: 'Second.',
  },
  {
    timeout: 'idleMs',
    stream: false,
    fault: { kind: 'stalled', after: 'first_token' },
    cause: 'idle',
    text: 'Second.',
  },
  {
    timeout: 'idleMs',
    stream: true,
    fault: { kind: 'stalled', after: 'first_token' },
    cause: 'idle',
    text: undefined,
  },
  // It flows on, and takes longer than it may.
  { timeout: 'maxStreamMs', stream: true, fault: undefined, cause: 'max_stream', text: undefined },
];

describe('timeouts', () => {
  describe.each(PLACES)('the shortest counts, at: %s', (place) => {
    it.each(REQUIRED)(
      '$timeout ($fault.after, stream: $stream)',
      async ({ timeout, stream, fault, cause, text }) => {
        const scene = await open(timeout, place);
        const { first, second } = scene.upstreams;
        const before = second.requestCount;
        if (fault !== undefined) first.failNext(fault);
        // So slow that it has not said all before a busy machine has ended it.
        else first.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 5 });
        const abortedBefore = first.abortedCount;
        const answer = await scene.ask('auto', { stream, headers });
        expect(answer.status).toBe(200);
        expect(answer.tookMs).toBeGreaterThan(SHORT_MS - EARLY_MS);
        expect(answer.tookMs).toBeLessThan(SHORT_MS + LATE_MS);
        const timedOut = { model: 'first', outcome: 'timed_out', errorKind: 'timeout', providerCode: cause };
        if (text === undefined) {
          expect(answer.code).toBe('stream_interrupted');
          expect(TEXT.startsWith(answer.text)).toBe(true);
          expect(answer.raw).not.toContain('[DONE]');
          expect(scene.attempts).toMatchObject([timedOut]);
          expect(second.requestCount).toBe(before);
        } else {
          expect(answer.text).toBe(text);
          expect(scene.attempts).toMatchObject([timedOut, { model: 'second', outcome: 'succeeded' }]);
        }
        // The provider is told that nobody waits any more.
        await first.whenAborted(abortedBefore + 1);
        await scene.expectQuiet(first, second);
      },
    );
  });

  it.each(PLATFORMS.flatMap((platform) => [false, true].map((stream) => ({ platform, stream }))))(
    'connectMs: the next serves ($platform, stream: $stream)',
    async ({ platform, stream }) => {
      const silent = await createTlsFailure('stalled');
      closing.push(() => silent.close());
      const scene = await createScene<'second'>({
        platform,
        upstreams: { second: SECOND },
        others: { silent: { api: 'openai', baseUrl: silent.baseUrl, apiKey: 'k' } },
        options: {
          routingRules: {
            simple_queries: {
              tiers: [
                { models: 'silent', targetLatencyMs: LONG_MS },
                { models: 'second', targetLatencyMs: LONG_MS },
              ],
            },
          },
          execution: { timeouts: { connectMs: 200 } },
        },
      });
      closing.push(() => scene.close());
      const answer = await scene.ask('auto', { stream });
      expect(answer).toMatchObject({ status: 200, text: 'Second.' });
      expect(scene.attempts).toMatchObject([
        { model: 'silent', outcome: 'timed_out', errorKind: 'timeout', providerCode: 'connect_timeout' },
        { model: 'second', outcome: 'succeeded' },
      ]);
      // undici looks at its timers twice a second, and takes the one after.
      expect(answer.tookMs).toBeLessThan(200 + 1_000 + LATE_MS);
      expect(silent.connectionCount).toBe(1);
      await scene.expectQuiet(scene.upstreams.second);
    },
  );
});
