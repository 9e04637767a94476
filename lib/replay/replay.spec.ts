import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileOptions } from '../planning/index.js';
import {
  ASSUMED_BEHAVIOUR,
  type DeploymentBehaviour,
  type DeploymentChange,
  type SimulatedWorld,
} from './deployment-behaviour.js';
import { logNormal } from './distribution.js';
import { replay } from './replay.js';
import type { ReplayedRequest } from './replayed-request.js';
import { SimulatedClock } from './simulated-clock.js';
import { SimulatedDeployment } from './simulated-deployment.js';
import { SimulatedRouter } from './simulated-router.js';
import type { TraceRequest } from './trace-request.js';

const NAMES = ['alpha', 'beta', 'gamma'] as const;
const QUALITY = { alpha: 0.6, beta: 0.7, gamma: 0.4 };

function options(
  extra: object = {},
  rule: object = { primary: 'alpha', fallback: 'beta', emergency: 'gamma' },
) {
  return {
    providers: Object.fromEntries(NAMES.map((name) => [name, { api: 'openai', apiKey: 'k' }])),
    models: Object.fromEntries(
      NAMES.map((name, index) => [
        name,
        {
          provider: name,
          quality: QUALITY[name],
          price: { inputPer1M: 1 + index, outputPer1M: 2 + index },
          contextWindow: 16_000,
          maxOutputTokens: 4_000,
        },
      ]),
    ),
    routingRules: { simple_queries: rule, complex_reasoning: { primary: ['beta', 'alpha'] } },
    surfaces: {
      chat: { latencySloMs: 1_500 },
      strict: { qualityFloor: 0.65 },
      capped: { maxCostPerRequest: 0.004 },
      jobs: { workload: 'background' },
    },
    ...extra,
  };
}

const compiled = compileOptions(options(), {});

function request(atMs: number, extra: Partial<TraceRequest> = {}): TraceRequest {
  return {
    atMs: 1_700_000_000_000 + atMs,
    promptTokens: 800,
    answerTokens: 120,
    requestClass: undefined,
    surface: 'chat',
    workload: undefined,
    streamed: true,
    ...extra,
  };
}

/** So many requests, one every so often. */
function stream(count: number, everyMs: number, extra: Partial<TraceRequest> = {}): TraceRequest[] {
  return Array.from({ length: count }, (_, index) => request(index * everyMs, extra));
}

function world(
  change?: DeploymentChange & { deployment?: string; fromMs?: number; toMs?: number },
  behaviour: Partial<DeploymentBehaviour> = {},
): SimulatedWorld {
  const base = {
    ...ASSUMED_BEHAVIOUR,
    timeToFirstTokenMs: logNormal(300, 0.2),
    capacity: 30,
    ...behaviour,
  };
  const behaviours = new Map(NAMES.map((name) => [`${name}/${name}`, base]));
  if (change === undefined) return { behaviours, events: [] };
  const { deployment, fromMs = 0, toMs = Number.POSITIVE_INFINITY } = change;
  return { behaviours, events: [{ deployment, fromMs, toMs, change }] };
}

describe('replay', () => {
  it('keeps a calm day on the primary, within its SLO, and counts what it costs', () => {
    const report = replay({ compiled, requests: stream(200, 500), world: world(), seed: 1 });
    expect(report).toMatchObject({
      policy: compiled.policy.hash,
      requests: 200,
      succeeded: 200,
      successRate: 1,
      sloAttainment: 1,
      floorViolations: 0,
      fallbackRate: 0,
      shedRate: 0,
      rejected: 0,
      attempts: 200,
    });
    expect(report.costUsd).toBeCloseTo((200 * (800 * 1 + 120 * 2)) / 1_000_000, 9);
    expect(report.deployments['alpha/alpha']).toMatchObject({ served: 200, share: 1 });
    expect(report.spanMs).toBe(199 * 500);
  });

  it('leaves a primary that has become 10 times slower, and comes back', () => {
    const slow = world({
      kind: 'brown_out',
      factor: 10,
      deployment: 'alpha/alpha',
      fromMs: 60_000,
      toMs: 120_000,
    });
    const report = replay({ compiled, requests: stream(1_000, 250), world: slow, seed: 1 });
    expect(report.sloAttainment).toBeGreaterThan(0.97);
    expect(report.deployments['beta/beta']?.served).toBeGreaterThan(150);
    expect(report.deployments['alpha/alpha']?.served).toBeGreaterThan(600);
  });

  it.each<[string, DeploymentChange]>([
    ['errors', { kind: 'error_burst', errorRate: 0.5 }],
    ['a rate limit', { kind: 'rate_limit', requestsPerMinute: 30, retryAfterMs: undefined }],
    ['an outage', { kind: 'outage' }],
  ])('serves everybody in spite of %s at the primary', (_name, change) => {
    const trouble = world({ ...change, deployment: 'alpha/alpha' });
    const report = replay({ compiled, requests: stream(400, 250), world: trouble, seed: 1 });
    expect(report.successRate).toBe(1);
    expect(report.fallbackRate).toBeGreaterThan(0.3);
  });

  it('sheds when all are full and the queue too', () => {
    const small = compileOptions(
      options({ execution: { queue: { maxSize: 2, maxWaitMs: 200 }, deadlineMs: 5_000 } }),
      {},
    );
    for (const model of small.policy.models.values()) {
      for (const deployment of model.deployments) Object.assign(deployment, { maxConcurrency: 2 });
    }
    const report = replay({ compiled: small, requests: stream(300, 10), world: world(), seed: 1 });
    expect(report.shedRate).toBeGreaterThan(0.2);
    expect(report.errors.overloaded).toBe(Math.round(report.shedRate * 300));
    for (const { peakInFlight } of Object.values(report.deployments))
      expect(peakInFlight).toBeLessThanOrEqual(2);
  });

  it('counts what no model may serve as rejected, and not as a miss', () => {
    const requests = [...stream(3, 100, { promptTokens: 20_000 }), request(1_000)];
    const report = replay({ compiled, requests, world: world(), seed: 1 });
    expect(report).toMatchObject({
      rejected: 3,
      succeeded: 1,
      sloAttainment: 1,
      errors: { no_eligible_model: 3 },
    });
  });

  it.each([
    ['reject', { errors: { budget_exceeded: 100 }, rejected: 100, succeeded: 100 }],
    ['downgrade', { errors: {}, rejected: 0, succeeded: 200 }],
  ])('spends no more than a budget with `%s`', (onExceeded, expected) => {
    // A hundred answers of alpha, to the billionth of a dollar.
    const usd = (100 * (800 * 1 + 120 * 2)) / 1_000_000;
    const budgeted = compileOptions(
      options({ surfaces: { chat: { budget: { usd, per: 'day', onExceeded } } } }),
      {},
    );
    const report = replay({ compiled: budgeted, requests: stream(200, 5_000), world: world(), seed: 1 });
    expect(report).toMatchObject(expected);
    if (onExceeded === 'reject') expect(report.costUsd).toBeCloseTo(usd, 6);
  });

  it('bills a price that has changed, from then on', () => {
    const price = { inputPer1M: 10, outputPer1M: 20 };
    const dearer = world({ kind: 'price_change', price, fromMs: 50_000 });
    const before = replay({ compiled, requests: stream(200, 500), world: world(), seed: 1 });
    const after = replay({ compiled, requests: stream(200, 500), world: dearer, seed: 1 });
    expect(after.costUsd).toBeGreaterThan(before.costUsd * 5);
    expect(after.costUsd).toBeLessThan(before.costUsd * 6);
    expect(after.deployments['alpha/alpha']?.served).toBe(200);
  });

  it('asks for what it is told to', () => {
    const report = replay({
      compiled,
      requests: stream(20, 500),
      world: world(),
      seed: 1,
      requestedModel: 'complex_reasoning',
    });
    expect(report.deployments['gamma/gamma']).toBeUndefined();
    expect(report.deployments['beta/beta']?.served).toBeGreaterThan(0);
  });

  const traced = fc.record({
    gapMs: fc.nat({ max: 400 }),
    promptTokens: fc.nat({ max: 17_000 }),
    answerTokens: fc.nat({ max: 2_000 }),
    surface: fc.constantFrom('chat', 'strict', 'capped', 'jobs', undefined, 'unknown'),
    requestClass: fc.constantFrom('simple_queries', 'complex_reasoning', undefined, 'nobody'),
    streamed: fc.boolean(),
  });
  const change: fc.Arbitrary<DeploymentChange> = fc.oneof(
    fc.record({ kind: fc.constant('brown_out' as const), factor: fc.integer({ min: 1, max: 30 }) }),
    fc.record({
      kind: fc.constant('error_burst' as const),
      errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({
      kind: fc.constant('rate_limit' as const),
      requestsPerMinute: fc.integer({ min: 1, max: 300 }),
      retryAfterMs: fc.option(fc.integer({ min: 1, max: 90_000 }), { nil: undefined }),
    }),
    fc.constant({ kind: 'outage' as const }),
  );
  const event = fc.record({
    deployment: fc.constantFrom(undefined, ...NAMES.map((name) => `${name}/${name}`)),
    fromMs: fc.nat({ max: 20_000 }),
    lengthMs: fc.nat({ max: 60_000 }),
    change,
  });
  const day = fc.record({
    requests: fc.array(traced, { minLength: 1, maxLength: 80 }),
    events: fc.array(event, { maxLength: 4 }),
    capacity: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
    queueLength: fc.nat({ max: 10 }),
    seed: fc.nat(),
  });

  function stage({
    requests,
    events,
    capacity,
    queueLength,
  }: typeof day extends fc.Arbitrary<infer Day> ? Day : never) {
    let atMs = 0;
    const trace = requests.map(({ gapMs, ...rest }) => request((atMs += gapMs), rest));
    const base = { ...ASSUMED_BEHAVIOUR, capacity, queueLength, errorRate: 0.02 };
    return {
      trace,
      world: {
        behaviours: new Map(NAMES.map((name) => [`${name}/${name}`, base])),
        events: events.map(({ lengthMs, ...one }) => ({ ...one, toMs: one.fromMs + lengthMs })),
      },
    };
  }

  it('ends every request once, whatever happens, before its deadline', () => {
    fc.assert(
      fc.property(day, (drawn) => {
        const { trace, world: drawnWorld } = stage(drawn);
        const clock = new SimulatedClock(trace[0]!.atMs);
        const deployments = new Map(
          [...drawnWorld.behaviours].map(([id, behaviour]) => [
            id,
            new SimulatedDeployment(id, behaviour, drawnWorld.events, clock, trace[0]!.atMs, drawn.seed),
          ]),
        );
        const router = new SimulatedRouter({
          compiled,
          clock,
          deployments,
          seed: drawn.seed,
          requestedModel: 'auto',
          requestClass: 'simple_queries',
        });
        const ends = new Map<number, ReplayedRequest[]>();
        for (const [index, one] of trace.entries()) {
          clock.at(one.atMs, () => {
            router.accept(one, index, (result) => {
              ends.set(index, [...(ends.get(index) ?? []), result]);
            });
          });
        }
        clock.run();
        router.close();
        for (const index of trace.keys()) {
          expect(ends.get(index)).toHaveLength(1);
          const [end] = ends.get(index)!;
          // After its first token a stream is not cut.
          const begunMs =
            end!.streamed && end!.outcome === 'succeeded' ? end!.timeToFirstTokenMs : end!.durationMs;
          expect(begunMs).toBeLessThanOrEqual(600_000);
          expect(end!.attempts.length).toBeLessThanOrEqual(4);
          const served = end!.attempts.filter(({ outcome }) => outcome === 'succeeded');
          expect(served).toHaveLength(end!.outcome === 'succeeded' ? 1 : 0);
        }
        for (const deployment of deployments.values()) {
          expect(deployment.inFlight).toBe(0);
          expect(deployment.working).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('breaks no limit, loses no dollar, and says the same for the same seed', () => {
    fc.assert(
      fc.property(day, (drawn) => {
        const { trace, world: drawnWorld } = stage(drawn);
        const run = () => replay({ compiled, requests: trace, world: drawnWorld, seed: drawn.seed });
        const report = run();
        expect(report.violations).toEqual({});
        expect(report.floorViolations).toBe(0);
        expect(report.requests).toBe(trace.length);
        const surfaces = Object.values(report.surfaces);
        const deployments = Object.values(report.deployments);
        const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
        expect(sum(surfaces.map(({ requests }) => requests))).toBe(trace.length);
        expect(sum(deployments.map(({ attempts }) => attempts))).toBe(report.attempts);
        expect(sum(deployments.map(({ served }) => served))).toBe(report.succeeded);
        expect(sum(surfaces.map(({ costUsd }) => costUsd))).toBeCloseTo(report.costUsd, 9);
        expect(sum(deployments.map(({ costUsd }) => costUsd))).toBeCloseTo(report.costUsd, 9);
        expect(JSON.stringify(run())).toBe(JSON.stringify(report));
      }),
      { numRuns: 60 },
    );
  });

  it('differs from one seed to another', () => {
    const [first, second] = [1, 2].map((seed) =>
      replay({ compiled, requests: stream(100, 200), world: world(), seed }),
    );
    expect(first!.surfaces.chat?.latencyMs).not.toEqual(second!.surfaces.chat?.latencyMs);
  });
});
