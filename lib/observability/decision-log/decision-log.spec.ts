import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { NO_USAGE, validateChatRequest } from '../../chat/index.js';
import { extractFeatures } from '../../classification/index.js';
import { readConfiguration } from '../../config/index.js';
import { compilePolicy, createPlan, type Plan, UNKNOWN_SIGNALS } from '../../planning/index.js';
import {
  type AttemptRecord,
  type Outcome,
  type RequestLabels,
  type RequestRecord,
  TelemetryBus,
} from '../../telemetry/index.js';
import { DecisionLog } from './decision-log.js';

const PROMPT = 'canary of the prompt';
const features = extractFeatures(validateChatRequest({ messages: [{ role: 'user', content: PROMPT }] }));
const { policy } = compilePolicy(
  readConfiguration({
    providers: { one: { api: 'openai', apiKey: 'k' } },
    models: { a: { provider: 'one', quality: 0.5 }, b: { provider: 'one', quality: 0.9 } },
    routingRules: { simple_queries: { primary: 'a', fallback: 'b' } },
    surfaces: { fine: { qualityFloor: 0.8 } },
  }),
);

function planFor(surface: string): Plan {
  return createPlan({
    features,
    classification: { class: 'simple_queries', score: 0.1 },
    requestedModel: 'auto',
    circumstances: {
      surface: policy.surfaces.get(surface) ?? policy.defaultSurface,
      workload: 'interactive',
      deadlineMs: undefined,
      deadlineLimitMs: undefined,
      downgradedBy: undefined,
    },
    policy,
    signals: { of: () => UNKNOWN_SIGNALS },
    nowMs: 0,
    random: () => 0,
  });
}

const DEPLOYMENT = { deployment: 'one/a', model: 'a', provider: 'one' } as const;

function labels(decisionId: string, extra: Partial<RequestLabels> = {}): RequestLabels {
  return {
    decisionId,
    surface: 'none',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: false,
    ...extra,
  };
}

let bus: TelemetryBus;
let log: DecisionLog;

beforeEach(() => {
  bus = new TelemetryBus();
  log = new DecisionLog(bus);
  log.follow(1_000);
});

function start(decisionId: string, extra: Partial<RequestLabels> = {}, startedAtMs = 1_000): void {
  bus.emit('request-started', { ...labels(decisionId, extra), startedAtMs });
}

function plan(decisionId: string, made = planFor('none')): void {
  log.onPlanned({
    labels: labels(decisionId),
    plan: made,
    observed: undefined,
    features,
    requestedModel: 'a',
    policyHash: 'hash',
  });
}

function call(decisionId: string, extra: Partial<AttemptRecord> = {}): void {
  bus.emit('attempt-ended', {
    ...labels(decisionId),
    ...DEPLOYMENT,
    attempt: 1,
    tier: 'primary',
    startedAtMs: 1_000,
    durationMs: 5,
    timeToFirstTokenMs: undefined,
    outcome: 'succeeded',
    errorKind: undefined,
    status: undefined,
    providerCode: undefined,
    retryAfterMs: undefined,
    usage: { ...NO_USAGE, promptTokens: 3 },
    usageSource: 'reported',
    costUsd: 0.5,
    reportedModel: 'a-2026',
    ...extra,
  });
}

function end(decisionId: string, extra: Partial<RequestRecord> = {}): void {
  bus.emit('request-ended', {
    ...labels(decisionId),
    startedAtMs: 1_000,
    durationMs: 7,
    timeToFirstTokenMs: undefined,
    outcome: 'succeeded',
    errorCode: undefined,
    attempts: 1,
    servedBy: { ...DEPLOYMENT, tier: 'primary' },
    usage: NO_USAGE,
    costUsd: 0.5,
    policyHash: 'hash',
    ...extra,
  });
}

describe('DecisionLog', () => {
  it('tells of a request as far as it has come', () => {
    start('d1', { surface: 'fine', tenant: 'acme' });
    expect(log.find('d1')).toMatchObject({
      outcome: 'running',
      explanation: null,
      policyHash: null,
      tenant: 'acme',
    });
    plan('d1', planFor('fine'));
    expect(log.find('d1')).toMatchObject({
      requestedModel: 'a',
      policyHash: 'hash',
      explanation: { rejected: [{ deployment: 'one/a', reason: 'quality_floor' }] },
    });
    call('d1');
    expect(log.find('d1')).toMatchObject({ outcome: 'running', costUsd: 0.5, usage: { promptTokens: 3 } });
    end('d1');
    call('d1', { attempt: 2, outcome: 'hedge_lost' });
    bus.emit('answer-evaluated', { ...labels('d1'), ...DEPLOYMENT, faults: ['empty'], score: 0.2 });
    for (const score of [0.9, 0.4]) bus.emit('feedback-given', { ...labels('d1'), ...DEPLOYMENT, score });
    expect(log.find('d1')).toMatchObject({
      outcome: 'succeeded',
      attempts: [{ reportedModel: 'a-2026' }, { outcome: 'hedge_lost' }],
      evaluation: { faults: ['empty'], score: 0.2 },
      feedback: { score: 0.4, count: 2 },
    });
    expect(JSON.stringify([log.find('d1'), log.list()])).not.toContain(PROMPT);
  });

  it('has the last plan of a request that was planned twice, and all its calls', () => {
    start('d1');
    plan('d1', planFor('none'));
    call('d1', { outcome: 'failed' });
    plan('d1', planFor('fine'));
    call('d1', { attempt: 2 });
    end('d1');
    const found = log.find('d1');
    expect(found?.explanation?.surface).toBe('fine');
    expect(found?.attempts).toHaveLength(2);
  });

  it('keeps what ended without a beginning, and nothing of events about nobody', () => {
    end('late');
    plan('late');
    call('nobody');
    bus.emit('feedback-given', { ...labels('nobody'), ...DEPLOYMENT, score: 1 });
    expect(log.list()).toMatchObject({ kept: 1, running: 0, decisions: [{ decisionId: 'late' }] });
  });

  it('is bounded: requests, calls of a request, rejections of a plan', () => {
    log.follow(20);
    for (let index = 0; index < 10_050; index += 1) start(`open-${index}`);
    expect(log.list()).toMatchObject({ running: 10_000, kept: 0 });
    expect(log.find('open-49')).toBeUndefined();
    start('d1');
    const made = planFor('fine');
    const [rejected] = made.rejected;
    plan('d1', { ...made, rejected: Array.from({ length: 1_000 }, () => rejected!) });
    for (let index = 0; index < 500; index += 1) call('d1', { attempt: index + 1 });
    const found = log.find('d1');
    expect(found?.attempts).toHaveLength(64);
    expect(found?.explanation?.rejected).toHaveLength(100);
    expect(found?.rejectedBeyond).toBe(900);
    for (let index = 0; index < 100; index += 1) end(`done-${index}`);
    expect(log.list({ limit: 5 })).toMatchObject({ kept: 20 });
    log.follow(3);
    expect(log.list({ outcome: 'succeeded' }).decisions.map(({ decisionId }) => decisionId)).toEqual([
      'done-99',
      'done-98',
      'done-97',
    ]);
    log.follow(0);
    start('d2');
    end('d2');
    expect(log.list()).toEqual({ keep: 0, kept: 0, running: 0, decisions: [] });
  });

  it('holds exactly the last that ended and all that run, whatever the order, and finds by every filter', () => {
    const outcomes = ['succeeded', 'failed', 'shed'] as const satisfies readonly Outcome[];
    const surfaces = ['none', 'fine'] as const;
    const step = fc.record({
      id: fc.nat(30),
      ends: fc.boolean(),
      outcome: fc.constantFrom(...outcomes),
      surface: fc.constantFrom(...surfaces),
      startedAtMs: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (steps, keep) => {
        bus = new TelemetryBus();
        const own = new DecisionLog(bus);
        own.follow(keep);
        const running = new Map<string, { surface: string; startedAtMs: number }>();
        let ended: { id: string; outcome: Outcome; surface: string; startedAtMs: number }[] = [];
        const seen = new Set<string>();
        for (const { id: number, ends, outcome, surface, startedAtMs } of steps) {
          const id = `d${number}`;
          const open = running.get(id);
          if (open !== undefined && ends) {
            end(id, { outcome, surface: open.surface });
            running.delete(id);
            ended = [...ended, { id, outcome, ...open }].slice(-keep);
          } else if (!seen.has(id)) {
            seen.add(id);
            start(id, { surface }, startedAtMs);
            running.set(id, { surface, startedAtMs });
          }
        }
        const ids = (filter: Parameters<DecisionLog['list']>[0]): string[] =>
          own.list({ limit: 1_000, ...filter }).decisions.map(({ decisionId }) => decisionId);
        const expected = [
          ...[...running].map(([id, one]) => ({ id, outcome: 'running' as const, ...one })).reverse(),
          ...[...ended].reverse(),
        ];
        expect(ids({})).toEqual(expected.map(({ id }) => id));
        for (const outcome of [...outcomes, 'running'] as const) {
          expect(ids({ outcome })).toEqual(
            expected.filter((one) => one.outcome === outcome).map(({ id }) => id),
          );
        }
        expect(ids({ surface: 'fine', since: new Date(50) })).toEqual(
          expected.filter((one) => one.surface === 'fine' && one.startedAtMs >= 50).map(({ id }) => id),
        );
        expect(ids({ limit: 3 })).toEqual(expected.slice(0, 3).map(({ id }) => id));
        for (const { id } of expected) expect(own.find(id)?.decisionId).toBe(id);
        own.close();
      }),
      { numRuns: 100 },
    );
  });
});
