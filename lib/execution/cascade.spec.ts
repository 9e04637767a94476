import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';
import { validateChatRequest } from '../chat/index.js';
import { extractFeatures } from '../classification/index.js';
import { AllAttemptsFailedError } from '../errors/all-attempts-failed-error.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { ProviderError, type ProviderErrorDetails } from '../errors/provider-error.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import { UpstreamRejectedError } from '../errors/upstream-rejected-error.js';
import { compileOptions, createPlan, type DeploymentSignals, UNKNOWN_SIGNALS } from '../planning/index.js';
import type { PreparedCall, UpstreamClient } from '../providers/upstream-client.js';
import { LiveSignals } from '../signals/index.js';
import { type AttemptRecord, TelemetryBus } from '../telemetry/index.js';
import { createPlanExecutor } from './create-plan-executor.js';
import type { Execution } from './execution.js';
import type { PlanExecutor } from './plan-executor.js';

/** What a provider does with one call. */
interface Step {
  readonly afterMs?: number;
  /** It answers nothing before that. */
  readonly when?: Promise<void>;
  /** Never answers. */
  readonly hangs?: boolean;
  readonly error?: ProviderErrorDetails;
}

const USAGE = {
  promptTokens: 10,
  completionTokens: 5,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
};

/** Waits for what the step says, or ends with the signal's reason. */
async function play({ afterMs = 0, when, hangs, error }: Step, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    if (hangs) return;
    if (when !== undefined) void when.then(resolve);
    else if (afterMs > 0) setTimeout(resolve, afterMs);
    else resolve();
  });
  if (error !== undefined) throw new ProviderError(error);
}

/** The world: one account whose calls go by a script, the last step of which holds for all that follow. */
class ScriptedAccount implements UpstreamClient {
  constructor(
    private readonly name: string,
    private readonly script: Step[],
    private readonly calls: string[],
    private readonly onCall: () => void,
  ) {}

  readSecrets(): readonly string[] {
    return [];
  }

  prepare(): PreparedCall {
    const next = (): Step => {
      this.calls.push(this.name);
      this.onCall();
      return (this.script.length > 1 ? this.script.shift() : this.script[0]) ?? {};
    };
    const base = { id: 'c', created: 1, model: `${this.name}-1` };
    return {
      complete: async (signal) => {
        await play(next(), signal);
        const completion: ChatCompletion = {
          ...base,
          object: 'chat.completion',
          choices: [
            {
              index: 0,
              finish_reason: 'stop',
              logprobs: null,
              message: { role: 'assistant', content: 'Hello', refusal: null },
            },
          ],
        };
        return { completion, usage: USAGE };
      },
      openStream: async (signal) => {
        await play(next(), signal);
        const chunk: ChatCompletionChunk = {
          ...base,
          object: 'chat.completion.chunk',
          choices: [{ index: 0, finish_reason: 'stop', delta: { role: 'assistant', content: 'Hello' } }],
        };
        async function* chunks() {
          await Promise.resolve();
          yield [chunk];
        }
        return { chunks: chunks(), usage: () => USAGE };
      },
    };
  }
}

interface Setting {
  /** By model, in the order of preference. */
  readonly scripts: Readonly<Record<string, Step[]>>;
  readonly execution?: object;
  readonly surface?: object;
  readonly rule?: object;
  readonly model?: object;
  readonly random?: number;
  /** Laid over what is learnt. */
  readonly known?: Readonly<Record<string, Partial<DeploymentSignals>>>;
}

interface Sent {
  readonly answer: Promise<string>;
  readonly records: AttemptRecord[];
}

const benches: { readonly inFlight: () => number[]; readonly executor: PlanExecutor }[] = [];

function bench({
  scripts,
  execution = {},
  surface = {},
  rule = {},
  model = {},
  random = 0.5,
  known,
}: Setting) {
  const names = Object.keys(scripts);
  const { policy, configuration } = compileOptions(
    {
      providers: Object.fromEntries(
        names.map((name) => [name, { api: 'openai-compatible', baseUrl: 'http://a.b' }]),
      ),
      models: Object.fromEntries(
        names.map((name) => [name, { provider: name, price: { inputPer1M: 1, outputPer1M: 1 }, ...model }]),
      ),
      // A tier each: chance does not order them.
      routingRules: { simple_queries: { tiers: names.map((models) => ({ models })), ...rule } },
      surfaces: { s: { latencySloMs: 600_000, ...surface } },
      execution: { breaker: { minRequests: 1_000_000 }, ...execution },
    },
    {},
  );
  const bus = new TelemetryBus();
  const signals = new LiveSignals(bus);
  signals.settings = () => policy.execution;
  const executor = createPlanExecutor(bus, signals, () => random);
  const most = new Map<string, number>();
  bus.on('attempt-started', ({ model: name, deployment }) => {
    most.set(name, Math.max(most.get(name) ?? 0, signals.of(deployment).inFlight));
  });
  const calls: string[] = [];
  const watchers = new Set<() => void>();
  const clients = new Map(
    names.map((name) => [
      name,
      new ScriptedAccount(name, [...(scripts[name] ?? [])], calls, () => {
        for (const watcher of watchers) watcher();
      }),
    ]),
  );
  const seen = {
    of: (id: string): DeploymentSignals => ({ ...signals.of(id), ...known?.[id.split('/')[0] ?? ''] }),
  };
  let requests = 0;
  const send = ({
    streamed = false,
    mayOverlap = false,
    deadlineMs = 5_000,
    signal,
  }: {
    streamed?: boolean;
    mayOverlap?: boolean;
    deadlineMs?: number;
    signal?: AbortSignal;
  } = {}): Sent => {
    const request: ValidatedChatRequest = validateChatRequest(
      { messages: [{ role: 'user', content: 'Hello there' }], stream: streamed },
      configuration.limits,
    );
    const features = extractFeatures(request);
    const plan = createPlan({
      features,
      classification: { class: 'simple_queries', score: 0 },
      requestedModel: 'auto',
      circumstances: {
        surface: policy.surfaces.get('s') ?? policy.defaultSurface,
        workload: 'interactive',
        deadlineMs,
        deadlineLimitMs: undefined,
      },
      policy,
      signals: seen,
      nowMs: Date.now(),
      random: () => random,
    });
    const records: AttemptRecord[] = [];
    const toRun: Execution = {
      plan,
      request,
      features,
      recalledTurns: new Map(),
      labels: {
        decisionId: `d${(requests += 1)}`,
        surface: 's',
        workload: 'interactive',
        requestClass: 'simple_queries',
        streamed,
      },
      settings: policy.execution,
      signals: seen,
      mayOverlap,
      clients,
      signal,
      startedAt: performance.now(),
      records,
    };
    const run = async (): Promise<string> => {
      if (!streamed) return (await executor.chat(toRun)).planned.deployment.model.name;
      const { planned, chunks } = await executor.stream(toRun);
      let text = '';
      for await (const { choices } of chunks) text += choices[0]?.delta.content ?? '';
      expect(text).toBe('Hello');
      return planned.deployment.model.name;
    };
    const answer = run();
    // Looked at later.
    answer.catch(() => undefined);
    return { answer, records };
  };
  const made = {
    send,
    calls,
    /** The most calls at once, by model. */
    most,
    executor,
    /** Resolves once so many calls were made. */
    called: async (count: number): Promise<void> => {
      if (calls.length >= count) return;
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          if (calls.length < count) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    },
    inFlight: () => names.map((name) => signals.of(`${name}/${name}`).inFlight),
  };
  benches.push(made);
  return made;
}

const outcomes = ({ records }: Sent): string[] => records.map(({ model, outcome }) => `${model} ${outcome}`);
const failing = (kind: ProviderErrorDetails['kind'], details: object = {}): Step => ({
  error: { kind, status: 500, ...details },
});

afterEach(() => {
  // Whatever was done, nothing is left in flight, and nobody waits.
  for (const { inFlight, executor } of benches.splice(0)) {
    expect(new Set(inFlight())).toEqual(new Set([0]));
    expect(executor.queued).toBe(0);
    executor.close();
  }
});

describe('after a failure', () => {
  it.each<ProviderErrorDetails['kind']>([
    'server_error',
    'overloaded',
    'rate_limited',
    'connection',
    'not_found',
  ])('the next deployment is called at once (%s)', async (kind) => {
    const { send, calls } = bench({
      scripts: { a: [failing(kind)], b: [{}] },
      execution: { retries: { baseDelayMs: 60_000, maxDelayMs: 60_000 } },
    });
    const startedAt = performance.now();
    const sent = send();
    expect(await sent.answer).toBe('b');
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(calls).toEqual(['a', 'b']);
    expect(outcomes(sent)).toEqual(['a failed', 'b succeeded']);
  });

  it('the same is called again where no other is left, after a random part of the pause', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('server_error'), failing('server_error'), {}] },
      execution: { retries: { baseDelayMs: 40, maxDelayMs: 1_000 } },
      random: 0.5,
    });
    const startedAt = performance.now();
    expect(await send().answer).toBe('a');
    // Half of 40 and half of 80.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    expect(calls).toEqual(['a', 'a', 'a']);
  });

  it('the same is called only once all others were', async () => {
    const { send, calls } = bench({
      scripts: {
        a: [failing('server_error'), {}],
        b: [failing('server_error')],
        c: [failing('server_error')],
      },
      execution: { retries: { baseDelayMs: 1 } },
    });
    expect(await send().answer).toBe('a');
    expect(calls).toEqual(['a', 'b', 'c', 'a']);
  });

  it('nothing is called again that fails as surely the next time', async () => {
    const { send, calls } = bench({ scripts: { a: [failing('authentication')] } });
    await expect(send().answer).rejects.toBeInstanceOf(AllAttemptsFailedError);
    expect(calls).toEqual(['a']);
  });

  it('no more calls are made than the plan allows', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('server_error')], b: [failing('server_error')] },
      execution: { maxAttempts: 3, retries: { baseDelayMs: 1 } },
    });
    await expect(send().answer).rejects.toBeInstanceOf(AllAttemptsFailedError);
    expect(calls).toHaveLength(3);
  });

  it('a long prompt is sent twice at most', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('server_error')], b: [failing('server_error')], c: [{}] },
      execution: { retries: { longPromptTokens: 1 } },
    });
    await expect(send().answer).rejects.toBeInstanceOf(AllAttemptsFailedError);
    expect(calls).toEqual(['a', 'b']);
  });

  it('re-sends end with their budget, and other deployments are still called', async () => {
    const { send, calls } = bench({
      scripts: { a: Array.from({ length: 40 }, (_, index) => (index % 2 ? {} : failing('server_error'))) },
      execution: { retries: { baseDelayMs: 1, budget: 0 } },
    });
    for (let request = 0; request < 10; request += 1) expect(await send().answer).toBe('a');
    expect(calls).toHaveLength(20);
    await expect(send().answer).rejects.toBeInstanceOf(AllAttemptsFailedError);
    expect(calls).toHaveLength(21);
  });
});

describe('a Retry-After', () => {
  it('is waited out where it fits the deadline', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('rate_limited', { status: 429, retryAfterMs: 80 }), {}] },
    });
    const startedAt = performance.now();
    expect(await send().answer).toBe('a');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
    expect(calls).toEqual(['a', 'a']);
  });

  it('is handed on where it does not', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('rate_limited', { status: 429, retryAfterMs: 30_000 })] },
    });
    const error: unknown = await send().answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 30_000 });
    expect(calls).toEqual(['a']);
    // The next request is told at once, and the provider is left alone.
    const next: unknown = await send().answer.catch((thrown: unknown) => thrown);
    expect(next).toBeInstanceOf(RateLimitedError);
    expect(calls).toEqual(['a']);
  });

  it('is not waited for in part: a rest that ends before it does is our guess', async () => {
    const nowMs = Date.now();
    const { send, calls } = bench({
      scripts: { a: [{}] },
      known: { a: { restingUntilMs: nowMs + 100, restToldUntilMs: nowMs + 600_000 } },
    });
    const error: unknown = await send().answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect((error as RateLimitedError).retryAfterMs).toBeGreaterThan(590_000);
    expect(calls).toEqual([]);
  });
});

describe('a content filter', () => {
  it.each([
    ['reject', undefined, ['a']],
    ['next_model', 'b', ['a', 'b']],
  ])('under %s: served by %s', async (onContentFilter, served, called) => {
    const { send, calls } = bench({
      scripts: { a: [failing('content_filter', { status: 400 })], b: [{}] },
      surface: { onContentFilter },
    });
    const { answer } = send();
    if (served === undefined) await expect(answer).rejects.toBeInstanceOf(UpstreamRejectedError);
    else expect(await answer).toBe(served);
    expect(calls).toEqual(called);
  });

  it('of the last model rejects', async () => {
    const refuses = failing('content_filter', { status: 400 });
    const { send, calls } = bench({
      scripts: { a: [refuses], b: [refuses] },
      surface: { onContentFilter: 'next_model' },
    });
    await expect(send().answer).rejects.toBeInstanceOf(UpstreamRejectedError);
    expect(calls).toEqual(['a', 'b']);
  });
});

describe('one that is slow', () => {
  it('is given up for the next, as long as the budget for that lasts', async () => {
    const { send, calls } = bench({
      scripts: { a: [{ afterMs: 120 }], b: [{}] },
      rule: { maxLatencyMs: 15 },
      known: { a: UNKNOWN_SIGNALS, b: UNKNOWN_SIGNALS },
    });
    const served: string[] = [];
    for (let request = 0; request < 14; request += 1) served.push(await send().answer);
    // Ten from the start, two paid for by the first ten requests.
    expect(served).toEqual([...Array.from({ length: 12 }, () => 'b'), 'a', 'a']);
    expect(calls).toHaveLength(26);
  });

  it('is called again without that limit where all others fail', async () => {
    const { send, calls } = bench({
      scripts: { a: [{ afterMs: 60 }], b: [failing('server_error')] },
      rule: { maxLatencyMs: 15 },
      known: { a: UNKNOWN_SIGNALS },
    });
    expect(await send().answer).toBe('a');
    expect(calls).toEqual(['a', 'b', 'a']);
  });
});

describe('a second copy', () => {
  const HEDGE = { hedge: { enabled: true, maxShare: 1 } };
  const known = { a: { p95LatencyMs: 20, p95TimeToFirstTokenMs: 20 } };

  it.each([false, true])(
    'goes out after the usual wait, and the loser is cancelled (streamed: %s)',
    async (streamed) => {
      const { send, calls } = bench({ scripts: { a: [{ hangs: true }], b: [{}] }, execution: HEDGE, known });
      const startedAt = performance.now();
      const sent = send({ mayOverlap: true, streamed });
      expect(await sent.answer).toBe('b');
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19);
      expect(calls).toEqual(['a', 'b']);
      expect(outcomes(sent).toSorted()).toEqual(['a hedge_lost', 'b succeeded']);
      // Its prompt was read, and is paid for.
      for (const { costUsd } of sent.records) expect(costUsd).toBeGreaterThan(0);
    },
  );

  it.each([false, true])(
    'and the first may answer in the same tick: one is served (streamed: %s)',
    async (streamed) => {
      let open!: () => void;
      const when = new Promise<void>((resolve) => {
        open = resolve;
      });
      const { send, called } = bench({ scripts: { a: [{ when }], b: [{ when }] }, execution: HEDGE, known });
      const sent = send({ mayOverlap: true, streamed });
      await called(2);
      open();
      const served = await sent.answer;
      const lost = served === 'a' ? 'b' : 'a';
      expect(outcomes(sent).toSorted()).toEqual([`${served} succeeded`, `${lost} hedge_lost`].toSorted());
      for (const { costUsd } of sent.records) expect(costUsd).toBeGreaterThan(0);
    },
  );

  it('is not cancelled by a first that fails, and serves', async () => {
    let open!: () => void;
    const when = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { send, called } = bench({
      scripts: { a: [{ afterMs: 60, ...failing('server_error') }], b: [{ when }] },
      execution: HEDGE,
      known,
    });
    const sent = send({ mayOverlap: true });
    await called(2);
    setTimeout(open, 80);
    expect(await sent.answer).toBe('b');
    expect(outcomes(sent)).toEqual(['a failed', 'b succeeded']);
  });

  it.each<[string, Partial<Setting>, boolean]>([
    ['where the request may not be sent twice', { known }, false],
    ['where the usual wait is not known', { known: {} }, true],
    [
      'where nobody else is ready',
      { known: { ...known, b: { restingUntilMs: Date.now() + 600_000 } } },
      true,
    ],
    ['where one call is all that is allowed', { known, execution: { ...HEDGE, maxAttempts: 1 } }, true],
  ])('is not sent %s', async (_where, setting, mayOverlap) => {
    const { send, calls } = bench({
      scripts: { a: [{ afterMs: 90 }], b: [{}] },
      execution: HEDGE,
      ...setting,
    });
    expect(await send({ mayOverlap }).answer).toBe('a');
    expect(calls).toEqual(['a']);
  });

  it('is not sent over its share', async () => {
    const { send, calls } = bench({
      scripts: { a: [{ afterMs: 60 }], b: [{}] },
      execution: { hedge: { enabled: true, maxShare: 0 } },
      known: { ...known, b: UNKNOWN_SIGNALS },
    });
    // One is there from the start.
    expect(await send({ mayOverlap: true }).answer).toBe('b');
    expect(await send({ mayOverlap: true }).answer).toBe('a');
    expect(calls).toEqual(['a', 'b', 'a']);
  });
});

describe('where all breakers are open', () => {
  const open = (errorRate: number) => ({
    breaker: 'open' as const,
    breakerShare: 0,
    breakerUntilMs: Date.now() + 600_000,
    samples: 9,
    errorRate,
  });

  it('the least bad is called', async () => {
    const { send, calls } = bench({
      scripts: { a: [{}], b: [{}], c: [{}] },
      known: { a: open(0.9), b: open(0.4), c: open(0.7) },
    });
    expect(await send().answer).toBe('b');
    expect(calls).toEqual(['b']);
  });

  it('one that is gone is not called twice, and another one only under the budget of re-sends', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('server_error')], b: [failing('server_error')] },
      known: { a: open(0.9), b: open(0.6) },
      execution: { retries: { budget: 0 } },
    });
    for (let request = 0; request < 12; request += 1) {
      await expect(send().answer).rejects.toBeInstanceOf(AllAttemptsFailedError);
    }
    expect(calls.slice(0, 2)).toEqual(['b', 'a']);
    // Ten re-sends are there from the start.
    expect(calls).toHaveLength(22);
    expect(calls.slice(-2)).toEqual(['b', 'b']);
  });

  it('one that is merely unwell is called again', async () => {
    const { send, calls } = bench({
      scripts: { a: [failing('server_error'), {}], b: [failing('server_error')] },
      known: { a: open(0.3), b: open(0.6) },
    });
    expect(await send().answer).toBe('a');
    // Before one that is gone.
    expect(calls).toEqual(['a', 'a']);
  });
});

describe('where all are full', () => {
  it('a request waits for a place, and gets the first that comes free', async () => {
    let open!: () => void;
    const when = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { send, calls, called, executor } = bench({
      scripts: { a: [{ when }, {}], b: [{ hangs: true }] },
      model: { maxConcurrency: 1 },
    });
    const leaving = new AbortController();
    const first = send();
    const second = send({ signal: leaving.signal });
    await called(2);
    const third = send();
    expect([calls, executor.queued]).toEqual([['a', 'b'], 1]);
    open();
    expect(await Promise.all([first.answer, third.answer])).toEqual(['a', 'a']);
    leaving.abort();
    await expect(second.answer).rejects.toBeInstanceOf(ClientClosedRequestError);
    expect(calls).toEqual(['a', 'b', 'a']);
  });
});

// ---- whatever happens ------------------------------------------------------------------------------------------

it('every request ends once, every call has one record, and nothing stays in flight', async () => {
  const kinds = [
    'server_error',
    'overloaded',
    'rate_limited',
    'connection',
    'content_filter',
    'not_found',
  ] as const;
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 1, 5).map((afterMs) => ({ afterMs })) },
    {
      weight: 3,
      arbitrary: fc
        .record({ kind: fc.constantFrom(...kinds), afterMs: fc.constantFrom(0, 2) })
        .map(({ kind, afterMs }) => ({
          afterMs,
          error: { kind, status: 500, ...(kind === 'rate_limited' ? { retryAfterMs: 3 } : {}) },
        })),
    },
    { weight: 1, arbitrary: fc.constant({ hangs: true }) },
  );
  const script = fc.array(step, { minLength: 1, maxLength: 12, size: 'max' });
  const request = fc.record({
    streamed: fc.boolean(),
    mayOverlap: fc.boolean(),
    leavesAfterMs: fc.option(fc.nat(15), { nil: undefined, freq: 4 }),
  });
  let answered = 0;
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(script, script, script),
      fc.array(request, { minLength: 1, maxLength: 8, size: 'max' }),
      async ([a, b, c], requests) => {
        const made = bench({
          scripts: { a, b, c },
          model: { maxConcurrency: 2 },
          execution: { retries: { baseDelayMs: 2 }, hedge: { enabled: true, maxShare: 0.5 } },
          known: { a: { p95LatencyMs: 3, p95TimeToFirstTokenMs: 3 } },
        });
        const sent = requests.map(({ leavesAfterMs, ...asked }) => {
          const controller = new AbortController();
          if (leavesAfterMs !== undefined) {
            setTimeout(() => {
              controller.abort();
            }, leavesAfterMs);
          }
          return made.send({ ...asked, deadlineMs: 60, signal: controller.signal });
        });
        for (const { answer, records } of sent) {
          const [end] = await Promise.allSettled([answer]);
          const served = records.filter(({ outcome }) => outcome === 'succeeded');
          expect(new Set(records.map(({ attempt }) => attempt)).size).toBe(records.length);
          if (end.status === 'fulfilled') {
            answered += 1;
            expect(served.map(({ model }) => model)).toEqual([end.value]);
          } else {
            failed += 1;
            expect(end.reason).toBeInstanceOf(LlmRouterError);
            expect(served).toEqual([]);
          }
        }
        expect(sent.flatMap(({ records }) => records)).toHaveLength(made.calls.length);
        expect(Math.max(...made.most.values())).toBeLessThanOrEqual(2);
        expect(made.inFlight()).toEqual([0, 0, 0]);
        expect(made.executor.queued).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
  expect(answered).toBeGreaterThan(30);
  expect(failed).toBeGreaterThan(10);
}, 30_000);
