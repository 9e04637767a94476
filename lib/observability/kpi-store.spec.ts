import { describe, expect, it } from 'vitest';
import { quickestMicroseconds } from '../../test/support/quickest.js';
import { NO_USAGE } from '../chat/index.js';
import { type Outcome, TelemetryBus } from '../telemetry/index.js';
import { HandlerKpiAggregate } from './handler-kpi-aggregate.js';
import { attemptKpi } from './kpi-aggregate.js';
import { KpiCell } from './kpi-cell.js';
import { attempt, latencies, request, USAGE } from './kpi-records.spec-support.js';
import { KpiStore } from './kpi-store.js';

describe('attemptKpi', () => {
  it('gives percentiles within 1 % of the exact ones, of 10,000 log-normal latencies', () => {
    const cell = new KpiCell();
    const values = latencies(10_000);
    for (const durationMs of values) {
      cell.addAttempt(
        attempt({
          outcome: 'succeeded',
          durationMs,
          timeToFirstTokenMs: durationMs / 4,
          usage: NO_USAGE,
          costUsd: 0,
        }),
      );
    }
    const sorted = values.toSorted((first, second) => first - second);
    const { latencyMs, timeToFirstTokenMs } = attemptKpi(cell);
    expect(latencyMs?.count).toBe(10_000);
    for (const [key, rank] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      const exact = sorted[Math.ceil(rank * sorted.length) - 1] ?? Number.NaN;
      expect(Math.abs((latencyMs?.[key] ?? 0) / exact - 1), key).toBeLessThan(0.01);
      expect(Math.abs((timeToFirstTokenMs?.[key] ?? 0) / (exact / 4) - 1), key).toBeLessThan(0.01);
    }
  });

  it('survives latencies of nothing and of days', () => {
    const cell = new KpiCell();
    for (const durationMs of [0, 0.2, -1, 1e9]) {
      cell.addAttempt(
        attempt({
          outcome: 'succeeded',
          durationMs,
          timeToFirstTokenMs: undefined,
          usage: NO_USAGE,
          costUsd: 0,
        }),
      );
    }
    const { latencyMs, timeToFirstTokenMs } = attemptKpi(cell);
    expect(latencyMs?.count).toBe(4);
    expect(latencyMs?.p50).toBe(0);
    expect(timeToFirstTokenMs).toBeUndefined();
  });

  it('counts every outcome once; who left and what lost a hedge is neither an error nor a sample', () => {
    const counts: Record<Outcome, number> = {
      succeeded: 5,
      failed: 3,
      timed_out: 2,
      client_left: 4,
      hedge_lost: 1,
      shed: 6,
      rejected: 7,
    };
    const cell = new KpiCell();
    for (const [outcome, count] of Object.entries(counts) as [Outcome, number][]) {
      for (let index = 0; index < count; index += 1) {
        const timeToFirstTokenMs = outcome === 'succeeded' ? 50 : 9_999;
        cell.addAttempt(
          attempt({
            outcome,
            durationMs: outcome === 'succeeded' ? 100 : 9_999,
            timeToFirstTokenMs,
            usage: USAGE,
            costUsd: 0.5,
          }),
        );
      }
    }
    const kpi = attemptKpi(cell);
    expect(kpi).toMatchObject({
      requests: 28,
      succeeded: 5,
      errors: 3,
      timeouts: 2,
      clientLeft: 4,
      refused: 13,
      errorRate: 0.5,
      timeoutRate: 0.2,
      costUsd: 14,
      costPerRequestUsd: 0.5,
      tokens: {
        promptTokens: 2_800,
        completionTokens: 560,
        cachedTokens: 1_120,
        cacheWriteTokens: 280,
        reasoningTokens: 140,
      },
    });
    expect(kpi.latencyMs).toMatchObject({ count: 5, p50: 100, p99: 100 });
    // Successes, failures, timeouts, refusals: whoever got a first token and did not leave or lose.
    expect(kpi.timeToFirstTokenMs?.count).toBe(23);
  });

  it('gives dollars and shares without the noise of binary fractions', () => {
    const cell = new KpiCell();
    const sample = { durationMs: 1, timeToFirstTokenMs: undefined, usage: NO_USAGE, costUsd: 0.00011755 };
    for (let index = 0; index < 30_000; index += 1) {
      cell.addAttempt(attempt({ ...sample, outcome: index % 3 === 0 ? 'failed' : 'succeeded' }));
    }
    expect(attemptKpi(cell)).toMatchObject({
      costUsd: 3.5265,
      costPerRequestUsd: 0.00011755,
      errorRate: 0.3333,
    });
    const handler = new HandlerKpiAggregate();
    for (const waitingMs of [2, 3]) {
      handler.add({
        handler: 'A.b',
        surface: 'none',
        startedAtMs: 0,
        durationMs: 3,
        waitingMs,
        calls: 1,
        failedCalls: 0,
        attempts: 1,
        models: [],
        usage: NO_USAGE,
        costUsd: 0.1 + 0.2,
        outcome: 'succeeded',
      });
    }
    expect(handler.read()).toMatchObject({ waitingShare: 0.8333, costUsd: 0.6, costPerCallUsd: 0.3 });
  });

  it('has rates of zero, not of nothing, before the first sample', () => {
    expect(attemptKpi(new KpiCell())).toMatchObject({
      requests: 0,
      errorRate: 0,
      timeoutRate: 0,
      costPerRequestUsd: 0,
      latencyMs: undefined,
    });
  });
});

describe('KpiStore', () => {
  it('counts attempts for deployments, models and providers, requests for surfaces and the total', () => {
    const bus = new TelemetryBus();
    const store = new KpiStore(bus);
    bus.emit('attempt-ended', attempt({ outcome: 'failed', errorKind: 'server_error' }));
    bus.emit('attempt-ended', attempt({ deployment: 'backup/gpt-4', provider: 'backup', attempt: 2 }));
    bus.emit('request-ended', request({ attempts: 2, costUsd: 0.02 }));
    bus.emit(
      'request-ended',
      request({ surface: 'none', outcome: 'rejected', attempts: 0, usage: NO_USAGE, costUsd: 0 }),
    );
    const report = store.report();
    expect(report.total).toMatchObject({
      requests: 2,
      succeeded: 1,
      refused: 1,
      errorRate: 0,
      costUsd: 0.02,
    });
    expect(Object.keys(report.surfaces)).toEqual(['support', 'none']);
    expect(report.models['gpt-4']).toMatchObject({ requests: 2, succeeded: 1, errors: 1, errorRate: 0.5 });
    expect(report.deployments['openai/gpt-4']).toMatchObject({
      requests: 1,
      errors: 1,
      latencyMs: undefined,
    });
    expect(report.providers.backup).toMatchObject({ requests: 1, succeeded: 1 });
    expect(new Date(report.since).getTime()).toBeLessThanOrEqual(Date.now());
  });

  it('keeps a surface called like a member of objects', () => {
    const bus = new TelemetryBus();
    const store = new KpiStore(bus);
    bus.emit('request-ended', request({ surface: '__proto__' }));
    const { surfaces } = JSON.parse(JSON.stringify(store.report())) as { surfaces: object };
    expect(Object.entries(surfaces)).toEqual([['__proto__', expect.objectContaining({ requests: 1 })]]);
  });
});

describe('recording', () => {
  it('costs under 100 us an attempt, on average, even on a busy machine', () => {
    const bus = new TelemetryBus();
    new KpiStore(bus);
    const record = attempt();
    const averageUs = quickestMicroseconds(100, 4_000, () => {
      bus.emit('attempt-ended', record);
    });
    console.info(`recording an attempt: ${averageUs.toFixed(1)} us`);
    expect(averageUs).toBeLessThan(100);
  });
});
