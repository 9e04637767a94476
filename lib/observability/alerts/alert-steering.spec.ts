import { describe, expect, it } from 'vitest';
import { NO_USAGE } from '../../chat/index.js';
import { AlertsOptions } from '../../config/index.js';
import { compileOptions } from '../../planning/index.js';
import { type Alert, type AttemptRecord, TelemetryBus } from '../../telemetry/index.js';
import { AlertStore } from './alert-store.js';

const { policy } = compileOptions(
  {
    providers: { p: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: { a: { provider: 'p' }, b: { provider: 'p' } },
    routingRules: { simple_queries: { primary: ['a', 'b'] } },
  },
  {},
);

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const PER_WINDOW = 400;
const STEP_MS = (5 * MINUTE_MS) / PER_WINDOW;
/** `ranking.exploration`: of the traffic that a critical alert turns away. */
const EXPLORATION = 0.02;
/** Of the traffic, what a deployment gets that a warning ranks behind its peers. */
const WHILE_WARNED = 0.05;

const CALL: AttemptRecord = {
  decisionId: 'd',
  surface: 's',
  workload: 'interactive',
  requestClass: 'simple_queries',
  streamed: false,
  deployment: 'p/a',
  model: 'a',
  provider: 'p',
  attempt: 1,
  tier: 'primary',
  startedAtMs: 0,
  durationMs: 100,
  timeToFirstTokenMs: undefined,
  outcome: 'succeeded',
  errorKind: undefined,
  status: undefined,
  providerCode: undefined,
  retryAfterMs: undefined,
  usage: NO_USAGE,
  usageSource: 'reported',
  costUsd: 0,
  reportedModel: undefined,
};

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Course {
  readonly raised: number;
  /** After the fault was over; undefined: it never cleared. */
  readonly clearedAfterMs: number | undefined;
}

/** A day of a deployment whose alert, while it is critical, takes all traffic but trials away. */
function simulate(seed: number, faultShare: (sinceMs: number) => number, healedAtMs = DAY_MS): Course {
  const bus = new TelemetryBus();
  const startMs = 1_700_000_000_000;
  let nowMs = startMs;
  const store = new AlertStore(bus, policy, new AlertsOptions(), () => nowMs);
  const random = randomFrom(seed);
  const course: {
    isCritical: boolean;
    isWarned: boolean;
    raised: number;
    clearedAfterMs: number | undefined;
  } = {
    isCritical: false,
    isWarned: false,
    raised: 0,
    clearedAfterMs: undefined,
  };
  const follow = (listener: (alert: Alert) => void) => (alert: Alert) => {
    const { subject, kind, severity, clearedAt } = alert;
    if (subject.deployment !== 'p/a' || kind !== 'error_rate') return;
    course.isCritical = severity === 'critical' && clearedAt === null;
    course.isWarned = severity === 'warning' && clearedAt === null;
    listener(alert);
  };
  bus.on(
    'alert-raised',
    follow(() => {
      course.raised += 1;
    }),
  );
  bus.on(
    'alert-escalated',
    follow(() => undefined),
  );
  bus.on(
    'alert-cleared',
    follow(() => {
      if (nowMs - startMs >= healedAtMs) course.clearedAfterMs ??= nowMs - startMs - healedAtMs;
    }),
  );
  let lookedMs = 0;
  for (; nowMs < startMs + DAY_MS && course.clearedAfterMs === undefined; nowMs += STEP_MS) {
    if (course.isCritical && random() >= EXPLORATION) {
      bus.emit('deployment-passed-over', { decisionId: 'd', deployment: 'p/a' });
    } else if (!course.isWarned || random() < WHILE_WARNED) {
      const isFault = random() < faultShare(nowMs - startMs);
      bus.emit('attempt-ended', { ...CALL, outcome: isFault ? 'failed' : 'succeeded' });
    }
    if (nowMs - lookedMs >= 1_000) {
      lookedMs = nowMs;
      store.report();
    }
  }
  store.close();
  return course;
}

const SEEDS = Array.from({ length: 5 }, (_, index) => 1 + index * 7_919);
const median = (values: readonly number[]): number =>
  values.toSorted((first, second) => first - second)[Math.floor(values.length / 2)] ?? Number.NaN;

describe('a critical alert that takes the traffic away', () => {
  it('does not take the silence for health: a steady fault of 35 % raises a few a day', () => {
    const raised = SEEDS.map((seed) => simulate(seed, () => 0.35).raised);
    console.log(`35 % for a day: raised ${raised.join(', ')}; median ${median(raised)}`);
    expect(Math.min(...raised)).toBeGreaterThan(0);
    expect(median(raised)).toBeLessThanOrEqual(4);
    expect(Math.max(...raised)).toBeLessThanOrEqual(8);
  });

  it('is cleared by the trials of a deployment that is well again', () => {
    const healedAtMs = 30 * MINUTE_MS;
    const courses = SEEDS.map((seed) =>
      simulate(seed, (sinceMs) => (sinceMs < healedAtMs ? 0.6 : 0), healedAtMs),
    );
    const minutes = courses.map(
      ({ clearedAfterMs = Number.POSITIVE_INFINITY }) => clearedAfterMs / MINUTE_MS,
    );
    console.log(`well again: cleared after ${minutes.map((one) => one.toFixed(1)).join(', ')} min`);
    expect(median(minutes)).toBeLessThan(12);
    expect(Math.max(...minutes)).toBeLessThan(25);
  });
});

describe('a warning that takes most of the traffic away', () => {
  it('does not take the few calls that are left for health: a steady fault of 10 % raises a few a day', () => {
    const raised = SEEDS.map((seed) => simulate(seed, () => 0.1).raised);
    console.log(`10 % for a day: raised ${raised.join(', ')}; median ${median(raised)}`);
    expect(Math.min(...raised)).toBeGreaterThan(0);
    expect(median(raised)).toBeLessThanOrEqual(12);
  });

  it('is cleared within the hour by a deployment that is well again', () => {
    const healedAtMs = 30 * MINUTE_MS;
    const courses = SEEDS.map((seed) =>
      simulate(seed, (sinceMs) => (sinceMs < healedAtMs ? 0.1 : 0), healedAtMs),
    );
    const minutes = courses.map(
      ({ clearedAfterMs = Number.POSITIVE_INFINITY }) => clearedAfterMs / MINUTE_MS,
    );
    console.log(`well again: warning cleared after ${minutes.map((one) => one.toFixed(1)).join(', ')} min`);
    expect(Math.max(...minutes)).toBeLessThan(65);
  });
});
