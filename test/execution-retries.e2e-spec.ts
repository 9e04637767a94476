import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  retryAfterForms,
  type ScriptedUpstreamOptions,
  type UpstreamRequestFault,
} from 'nestjs-llm-router/testing';
import { createRefusingUpstream, type RefusingUpstream } from './support/refusing-upstream.js';
import { PLATFORMS } from './support/router-app.js';
import { type Answer, createScene, type Scene } from './support/scene.js';

const FIRST: ScriptedUpstreamOptions = { api: 'openai', reply: () => ({ text: 'First.' }) };
const SECOND: ScriptedUpstreamOptions = { api: 'anthropic', reply: () => ({ text: 'Second.' }) };

/** Timers may go off a moment early. */
const EARLY_MS = 3;
/** What a busy machine takes on top. */
const LATE_MS = 1_000;

let closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened<Name extends string>(scene: Promise<Scene<Name>>): Promise<Scene<Name>> {
  const ready = await scene;
  closing = [...closing, () => ready.close()];
  return ready;
}

/** Between the calls that an upstream saw of one model. */
function gapsMs(scene: Scene<'one'>, model: string): number[] {
  const times = scene.upstreams.one.requests
    .filter((request) => request.model === model)
    .map(({ receivedAt }) => receivedAt);
  return times.slice(1).map((time, index) => time - times[index]!);
}

/** A model and a rule for each name, at one upstream, each alone. */
function alone(names: readonly string[]): {
  models: Record<string, { provider: 'one' }>;
  routingRules: Record<string, { primary: string }>;
} {
  return {
    models: Object.fromEntries(names.map((name) => [name, { provider: 'one' }])),
    routingRules: Object.fromEntries(names.map((name) => [`only_${name}`, { primary: name }])),
  };
}

describe.each(PLATFORMS)("the caller's fault, on %s", (platform) => {
  let filtering: RefusingUpstream;
  let narrow: RefusingUpstream;
  let scene: Scene<'first' | 'second'>;

  beforeAll(async () => {
    filtering = await createRefusingUpstream({
      message: 'The prompt was filtered.',
      code: 'content_filter',
    });
    narrow = await createRefusingUpstream({
      message: "This model's maximum context length is 8000 tokens.",
      code: 'context_length_exceeded',
    });
    scene = await createScene({
      platform,
      upstreams: { first: FIRST, second: SECOND },
      others: {
        filtering: { api: 'openai', baseUrl: filtering.baseUrl, apiKey: 'k' },
        narrow: { api: 'openai', baseUrl: narrow.baseUrl, apiKey: 'k' },
      },
      models: {
        narrow: { provider: 'narrow', contextWindow: 8_000 },
        'no-larger': { provider: 'first', contextWindow: 8_000 },
        larger: { provider: 'second', contextWindow: 100_000 },
      },
      options: {
        routingRules: {
          plain: { primary: 'first', fallback: 'second' },
          filtered: { primary: 'filtering', fallback: 'second' },
          filtered_alone: { primary: 'filtering' },
          windows: { primary: 'narrow', fallback: 'no-larger', emergency: 'larger' },
          small_windows: { primary: 'narrow', fallback: 'no-larger' },
        },
        surfaces: { strict: {}, open: { onContentFilter: 'next_model' } },
      },
    });
  });

  afterAll(async () => {
    await scene.close();
    await Promise.all([filtering.close(), narrow.close()]);
  });

  /** The deployments called, in order. */
  const called = (): string[] => scene.attempts.map(({ model }) => model);

  it.each([
    [400, false],
    [400, true],
    [413, false],
    [413, true],
    [422, false],
  ])('%i is told at once, and nobody else is asked (stream: %s)', async (status, stream) => {
    scene.clear();
    const before = scene.calls();
    scene.upstreams.first.failNext({ kind: 'status', status });
    const answer = await scene.ask('plain', { stream });
    expect(answer.status).toBe(status);
    expect(scene.calls() - before).toBe(1);
    expect(scene.attempts).toMatchObject([{ outcome: 'rejected', model: 'first' }]);
    expect(scene.requests).toMatchObject([{ attempts: 1 }]);
    // It says nothing of the deployment.
    expect(scene.engine.signals.of('first/first').errorRate).toBe(0);
  });

  it.each([false, true])("a content filter's word holds, by default (stream: %s)", async (stream) => {
    scene.clear();
    const before = scene.calls();
    const answer = await scene.ask('filtered', { stream, headers: { 'x-llm-surface': 'strict' } });
    expect(answer.status).toBe(400);
    expect(called()).toEqual(['filtering']);
    expect(scene.calls()).toBe(before);
  });

  it.each([false, true])(
    'another model is asked after a content filter where the surface says so (stream: %s)',
    async (stream) => {
      scene.clear();
      const answer = await scene.ask('filtered', { stream, headers: { 'x-llm-surface': 'open' } });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe('Second.');
      expect(called()).toEqual(['filtering', 'second']);
      // Nobody else is left: the refusal it is, and the same one is not asked twice.
      scene.clear();
      const refused = await scene.ask('filtered_alone', { stream, headers: { 'x-llm-surface': 'open' } });
      expect(refused.status).toBe(400);
      expect(called()).toEqual(['filtering']);
    },
  );

  it.each([false, true])(
    'too long for one window goes to a larger one alone (stream: %s)',
    async (stream) => {
      scene.clear();
      const answer = await scene.ask('windows', { stream });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe('Second.');
      expect(called()).toEqual(['narrow', 'larger']);
      scene.clear();
      const refused = await scene.ask('small_windows', { stream });
      expect(refused).toMatchObject({ status: 400, code: 'context_length_exceeded' });
      expect(called()).toEqual(['narrow']);
    },
  );
});

describe('what passes by itself, at the only deployment', () => {
  const FAULTS: Readonly<Record<string, UpstreamRequestFault>> = {
    s408: { kind: 'status', status: 408, retryAfter: { as: 'none' } },
    s409: { kind: 'status', status: 409, retryAfter: { as: 'none' } },
    s500: { kind: 'status', status: 500, retryAfter: { as: 'none' } },
    s503: { kind: 'status', status: 503, retryAfter: { as: 'none' } },
    s529: { kind: 'status', status: 529, retryAfter: { as: 'none' } },
    reset: { kind: 'reset' },
    cut: { kind: 'cut', afterChunks: 0 },
    malformed: { kind: 'malformed' },
  };
  const CASES = Object.keys(FAULTS).flatMap((name) =>
    [false, true].map((stream) => ({ name, stream, model: `${name}-${stream ? 'stream' : 'whole'}` })),
  );
  const BASE_MS = 60;
  const RANDOM = 0.9;
  let scene: Scene<'one'>;
  const positions = new Map<string, number>();

  beforeAll(async () => {
    // The pause is a random part of what it may be at most; this part can be measured.
    vi.spyOn(Math, 'random').mockReturnValue(RANDOM);
    const { models, routingRules } = alone([...CASES.map(({ model }) => model), 'well']);
    scene = await createScene({
      upstreams: { one: FIRST },
      models,
      options: { routingRules, execution: { maxAttempts: 3, retries: { baseDelayMs: BASE_MS, budget: 1 } } },
    });
    // Each pays for one re-send, and the cases take two.
    for (const _ of CASES) await scene.ask('only_well');
    scene.upstreams.one.setFaults(({ model }) => {
      const seen = (positions.get(model) ?? 0) + 1;
      positions.set(model, seen);
      return seen <= 2 ? FAULTS[model.slice(0, model.indexOf('-'))] : undefined;
    });
  });

  afterAll(async () => {
    vi.restoreAllMocks();
    await scene.close();
  });

  it.each(CASES)(
    '$name is sent again after a pause that doubles (stream: $stream)',
    async ({ model, stream }) => {
      scene.clear();
      const answer = await scene.ask(`only_${model}`, { stream });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe('First.');
      const gaps = gapsMs(scene, model);
      expect(gaps).toHaveLength(2);
      gaps.forEach((gap, index) => {
        const pauseMs = RANDOM * BASE_MS * 2 ** index;
        expect(gap).toBeGreaterThanOrEqual(pauseMs - EARLY_MS);
        expect(gap).toBeLessThan(pauseMs + LATE_MS);
      });
      expect(scene.attempts.map(({ attempt, outcome }) => [attempt, outcome === 'succeeded'])).toEqual([
        [1, false],
        [2, false],
        [3, true],
      ]);
      expect(scene.requests).toMatchObject([{ attempts: 3, outcome: 'succeeded' }]);
      await scene.expectQuiet(scene.upstreams.one);
    },
  );
});

describe.each(['openai', 'anthropic', 'gemini'] as const)(
  'Retry-After of a provider on the %s wire',
  (api) => {
    /** What each form of one second says; a limit without a word of how long is waited out for a second. */
    const SAID_MS: Readonly<Record<string, number>> = {
      seconds: 1_000,
      fractional_seconds: 500,
      http_date: 1_000,
      milliseconds: 1_000,
      retry_info: 1_000,
      reset_header: 1_000,
      past_date: 1_000,
      garbage: 1_000,
      none: 1_000,
    };
    const forms = retryAfterForms(1);
    const names = Object.keys(forms);
    let scene: Scene<'one'>;
    const answers = new Map<string, Answer>();

    beforeAll(async () => {
      const seen = new Set<string>();
      const { models, routingRules } = alone(names);
      scene = await createScene({
        upstreams: { one: { api } },
        models,
        options: { routingRules },
      });
      scene.upstreams.one.setFaults(({ model }) => {
        if (seen.has(model)) return undefined;
        seen.add(model);
        return { kind: 'status', status: 429, retryAfter: forms[model]! };
      });
      // All at once: each of them waits for about a second.
      await Promise.all(
        names.map(async (name) => {
          answers.set(name, await scene.ask(`only_${name}`, { headers: { 'x-llm-deadline-ms': '8000' } }));
        }),
      );
    });

    afterAll(() => scene.close());

    it.each(Object.entries(SAID_MS))('is waited out: %s', (name, saidMs) => {
      expect(answers.get(name)?.status).toBe(200);
      const gaps = gapsMs(scene, name);
      expect(gaps).toHaveLength(1);
      expect(gaps[0]).toBeGreaterThanOrEqual(saidMs - EARLY_MS);
      // A date has whole seconds, and is up to one more.
      expect(gaps[0]).toBeLessThan(saidMs + LATE_MS + (name === 'http_date' ? 1_000 : 0));
    });

    it('is passed on where no deadline has room for it: absurdly_long', () => {
      const answer = answers.get('absurdly_long')!;
      expect(answer).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(60);
      expect(answer.tookMs).toBeLessThan(LATE_MS);
      expect(gapsMs(scene, 'absurdly_long')).toEqual([]);
    });
  },
);

describe.each(PLATFORMS)('a Retry-After that does not fit, on %s', (platform) => {
  it.each([429, 503, 529])(
    'is told to the caller, and nobody calls before it is over: %i',
    async (status) => {
      const scene = await opened(
        createScene({
          platform,
          upstreams: { one: FIRST },
          options: { routingRules: { simple_queries: { primary: 'one' } } },
        }),
      );
      scene.upstreams.one.failNext({ kind: 'status', status, retryAfterSeconds: 7 });
      const headers = { 'x-llm-deadline-ms': '2000' };
      const first = await scene.ask('auto', { headers });
      expect(first.tookMs).toBeLessThan(LATE_MS);
      expect(scene.calls()).toBe(1);
      if (status === 429) {
        expect(first.status).toBe(429);
        expect(first.headers.get('retry-after')).toBe('7');
      }
      // Nor does the next request: it is told the same without a call.
      const second = await scene.ask('auto', { headers });
      expect(second).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
      expect(Number(second.headers.get('retry-after'))).toBe(7);
      expect(scene.calls()).toBe(1);
      expect(scene.requests.map(({ attempts }) => attempts)).toEqual([1, 0]);
      await scene.expectQuiet(scene.upstreams.one);
    },
  );

  it('the smallest of several is told', async () => {
    const scene = await opened(
      createScene({
        platform,
        upstreams: { first: FIRST, second: SECOND },
        options: { routingRules: { simple_queries: { primary: 'first', fallback: 'second' } } },
      }),
    );
    scene.upstreams.first.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 9 });
    scene.upstreams.second.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 6 });
    const answer = await scene.ask('auto', { headers: { 'x-llm-deadline-ms': '3000' } });
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('6');
    expect(scene.calls()).toBe(2);
  });
});

describe('an interactive request', () => {
  it('goes to the next deployment at once, whatever Retry-After says', async () => {
    const scene = await opened(
      createScene({
        upstreams: { first: FIRST, second: SECOND },
        options: {
          routingRules: { simple_queries: { primary: 'first', fallback: 'second' } },
          execution: { retries: { baseDelayMs: 2_000 } },
        },
      }),
    );
    const faults: UpstreamRequestFault[] = [
      { kind: 'status', status: 500 },
      { kind: 'reset' },
      { kind: 'status', status: 429, retryAfterSeconds: 1 },
    ];
    for (const fault of faults) {
      scene.upstreams.first.failNext(fault);
      const answer = await scene.ask('auto');
      expect(answer.text).toBe('Second.');
      const waitedMs =
        scene.upstreams.second.requests.at(-1)!.receivedAt -
        scene.upstreams.first.requests.at(-1)!.receivedAt;
      expect(waitedMs).toBeLessThan(250);
    }
  });
});

describe('the budget of re-sends', () => {
  const STORM = 100;
  /** There without any traffic; and what a second brings back. */
  const RESERVE = 10;

  it.each([
    { budget: 0.2, atMost: STORM + RESERVE + 0.2 * STORM },
    { budget: 0, atMost: STORM + RESERVE },
  ])('holds while half of the calls fail ($budget)', async ({ budget, atMost }) => {
    const scene = await opened(
      createScene({
        upstreams: { one: FIRST },
        options: {
          routingRules: { simple_queries: { primary: 'one' } },
          // The breaker would end it before the budget does.
          execution: { retries: { budget, baseDelayMs: 20 }, breaker: { errorRate: 1 } },
        },
      }),
    );
    scene.upstreams.one.failEvery(2, { kind: 'status', status: 500 });
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: STORM }, () => scene.ask('auto')));
    const refilled = Math.ceil((performance.now() - startedAt) / 1_000);
    expect(scene.calls()).toBeGreaterThan(STORM);
    expect(scene.calls()).toBeLessThanOrEqual(atMost + refilled);
    const failed = answers.filter(({ status }) => status !== 200);
    expect(failed.map(({ status, code }) => [status, code])).toEqual(
      failed.map(() => [502, 'all_attempts_failed']),
    );
    expect(failed.length).toBeGreaterThan(0);
  });

  it('leaves about one call a request in a full outage of the only deployment', async () => {
    const scene = await opened(
      createScene({
        upstreams: { one: FIRST },
        options: {
          routingRules: { simple_queries: { primary: 'one' } },
          execution: { retries: { baseDelayMs: 10 } },
        },
      }),
    );
    scene.upstreams.one.failAlways({ kind: 'status', status: 500 });
    const storm = await Promise.all(Array.from({ length: STORM }, () => scene.ask('auto')));
    expect(new Set(storm.map(({ status }) => status))).toEqual(new Set([502]));
    expect(scene.calls()).toBeLessThanOrEqual(STORM * 1.2 + RESERVE + 1);
    const before = scene.calls();
    const after = 30;
    for (let index = 0; index < after; index += 1) await scene.ask('auto');
    const perRequest = (scene.calls() - before) / after;
    process.stdout.write(
      `full outage of the only deployment: ${before} calls for ${STORM} requests at once, ` +
        `then ${perRequest.toFixed(2)} a request\n`,
    );
    expect(perRequest).toBeLessThanOrEqual(1.1);
    await scene.expectQuiet(scene.upstreams.one);
  });
});

describe('the number of calls for one request', () => {
  it('is two at most where the prompt is long', async () => {
    const scene = await opened(
      createScene({
        upstreams: { first: FIRST, second: SECOND, third: FIRST },
        options: {
          routingRules: { simple_queries: { primary: 'first', fallback: 'second', emergency: 'third' } },
          execution: { retries: { longPromptTokens: 200, baseDelayMs: 1 } },
        },
      }),
    );
    const fault: UpstreamRequestFault = { kind: 'status', status: 500 };
    for (const upstream of Object.values(scene.upstreams)) upstream.failAlways(fault);
    const long = { messages: [{ role: 'user', content: 'word '.repeat(400) }] };
    for (const stream of [false, true]) {
      scene.engine.signals.forget();
      let before = scene.calls();
      expect((await scene.ask('simple_queries', { stream, body: long })).status).toBe(502);
      expect(scene.calls() - before).toBe(2);
      before = scene.calls();
      expect((await scene.ask('simple_queries', { stream })).status).toBe(502);
      expect(scene.calls() - before).toBe(4);
    }
  });

  it('counts changes of the key, re-sends and fallbacks together', async () => {
    const scene = await opened(
      createScene({
        upstreams: { first: FIRST, second: SECOND },
        providers: { first: { apiKeys: ['key-a', 'key-b', 'key-c'] } },
        options: {
          routingRules: {
            two: { primary: 'first', fallback: 'second' },
            one: { primary: 'first' },
          },
          execution: { maxAttempts: 5, retries: { baseDelayMs: 1 } },
        },
      }),
    );
    const { first, second } = scene.upstreams;
    // Three keys, then the next deployment, then one of them again.
    first.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 1 });
    second.failAlways({ kind: 'status', status: 500 });
    const answer = await scene.ask('two');
    expect(answer.status).toBe(502);
    expect(
      first.requests
        .slice(0, 3)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(['key-a', 'key-b', 'key-c']);
    expect(scene.calls()).toBe(5);
    expect(scene.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(scene.requests).toMatchObject([{ attempts: 5, outcome: 'failed' }]);
  });
});
