import { describe, expect, it } from 'vitest';
import { NO_USAGE } from '../chat/index.js';
import { type RequestRecord, TelemetryBus } from '../telemetry/index.js';
import { RecentRequests } from './recent-requests.js';

function bench(): {
  recent: RecentRequests;
  clock: { nowMs: number };
  end: (details?: Partial<RequestRecord>) => void;
} {
  const bus = new TelemetryBus();
  const clock = { nowMs: 1_000_000 };
  const recent = new RecentRequests(
    bus,
    (surface) => surface === 'support',
    () => clock.nowMs,
  );
  const end = (details: Partial<RequestRecord> = {}): void => {
    bus.emit('request-ended', {
      decisionId: 'd',
      surface: 'support',
      workload: 'interactive',
      requestClass: 'simple_queries',
      streamed: false,
      startedAtMs: clock.nowMs,
      durationMs: 100,
      timeToFirstTokenMs: undefined,
      outcome: 'succeeded',
      errorCode: undefined,
      attempts: 1,
      policyHash: 'policy',
      servedBy: undefined,
      usage: NO_USAGE,
      costUsd: 0,
      ...details,
    });
  };
  return { recent, clock, end };
}

describe('RecentRequests', () => {
  it('measures streams by their first token and the others as a whole, the SLO by both', () => {
    const { recent, end } = bench();
    end({ durationMs: 900 });
    end({ streamed: true, durationMs: 60_000, timeToFirstTokenMs: 1_200 });
    expect(recent.of('support')).toMatchObject({
      calls: 2,
      errorRate: 0,
      p95LatencyMs: 900,
      p95TimeToFirstTokenMs: 1_200,
      p95SloLatencyMs: 1_200,
    });
  });

  it('counts what failed, and neither who left nor what was refused', () => {
    const { recent, clock, end } = bench();
    end({ outcome: 'failed', errorCode: 'all_attempts_failed' });
    end({ outcome: 'client_left', errorCode: 'client_closed_request' });
    end({ outcome: 'rejected', errorCode: 'invalid_request' });
    end();
    expect(recent.of('support')).toMatchObject({
      calls: 2,
      errorRate: 0.5,
      lastErrorCode: 'all_attempts_failed',
      lastErrorAtMs: clock.nowMs,
      lastSuccessAtMs: clock.nowMs,
    });
  });

  it('remembers a shed request as the last error, and counts it as none', () => {
    const { recent, end } = bench();
    end({ outcome: 'shed', errorCode: 'overloaded' });
    expect(recent.of('support')).toMatchObject({ calls: 0, lastErrorCode: 'overloaded' });
  });

  it('looks at the last 256 of the last five minutes', () => {
    const { recent, clock, end } = bench();
    end({ outcome: 'failed', errorCode: 'deadline_exceeded' });
    for (let count = 0; count < 256; count += 1) end();
    expect(recent.of('support')).toMatchObject({ calls: 256, errorRate: 0 });
    clock.nowMs += 300_001;
    expect(recent.of('support')).toMatchObject({
      calls: 0,
      p95LatencyMs: undefined,
      lastSuccessAtMs: 1_000_000,
      lastErrorCode: 'deadline_exceeded',
    });
  });

  it('keeps nothing of a surface that is not configured', () => {
    const { recent, end } = bench();
    for (const surface of ['none', '__proto__', 'constructor']) {
      end({ surface });
      expect(recent.of(surface)).toMatchObject({ calls: 0, lastSuccessAtMs: undefined });
    }
  });
});
