import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_USAGE } from '../chat/index.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { type Alert, type AttemptRecord, type Outcome, TelemetryBus } from '../telemetry/index.js';
import { LiveSignals } from './live-signals.js';

const NAMES = { deployment: 'model@provider', model: 'model', provider: 'provider' };

function bench(): {
  bus: TelemetryBus;
  signals: LiveSignals;
  clock: { nowMs: number };
  start: (id: string, streamed?: boolean) => void;
  end: (id: string, outcome: Outcome, details?: Partial<AttemptRecord>) => void;
} {
  const bus = new TelemetryBus();
  const clock = { nowMs: 1_000_000 };
  const signals = new LiveSignals(bus, () => clock.nowMs);
  return {
    bus,
    signals,
    clock,
    start: (id, streamed = false) => {
      bus.emit('attempt-started', {
        ...NAMES,
        decisionId: id,
        attempt: 1,
        startedAtMs: clock.nowMs,
        streamed,
      });
    },
    end: (id, outcome, details = {}) => {
      bus.emit('attempt-ended', {
        ...NAMES,
        decisionId: id,
        attempt: 1,
        surface: 'none',
        workload: 'interactive',
        requestClass: 'none',
        streamed: false,
        tier: 'primary',
        startedAtMs: clock.nowMs,
        durationMs: 100,
        timeToFirstTokenMs: undefined,
        outcome,
        errorKind: undefined,
        status: undefined,
        providerCode: undefined,
        retryAfterMs: undefined,
        usage: NO_USAGE,
        usageSource: 'estimated',
        costUsd: 0,
        reportedModel: undefined,
        ...details,
      });
    },
  };
}

const OUTCOMES: readonly Outcome[] = ['succeeded', 'failed', 'timed_out', 'client_left', 'hedge_lost'];

const ALERT: Alert = {
  id: 'alert_1',
  kind: 'error_rate',
  severity: 'warning',
  subject: { surface: NAMES.deployment },
  value: 0.5,
  worstValue: 0.5,
  threshold: 0.02,
  requests: 300,
  windowMs: 300_000,
  message: '',
  since: '',
  criticalSince: null,
  clearedAt: null,
};

describe('the signals of a list', () => {
  const LIST = ['a', 'b', 'c', 'never called'].map((id) => ({ id }));

  it('are at any time those of each', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            which: fc.nat(1_000),
            deployment: fc.constantFrom('a', 'b', 'c'),
            step: fc.constantFrom('start', 'start', 'end', 'end', 'alert', 'forget', 'retain', 'nothing'),
            outcome: fc.constantFrom(...OUTCOMES),
            errorKind: fc.constantFrom<ProviderErrorKind>('rate_limited', 'server_error', 'authentication'),
            passMs: fc.constantFrom(0, 0, 60, 2_000, -500),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          const { bus, signals, clock, end } = bench();
          // One of its own, so that neither serves what the other has kept.
          const single = new LiveSignals(bus, () => clock.nowMs);
          const open: { id: string; deployment: string }[] = [];
          for (const [index, { which, deployment, step, outcome, errorKind, passMs }] of steps.entries()) {
            clock.nowMs += passMs;
            if (step === 'start') {
              const labels = { deployment, model: deployment, provider: 'provider' };
              const call = {
                decisionId: String(index),
                attempt: 1,
                startedAtMs: clock.nowMs,
                streamed: true,
              };
              bus.emit('attempt-started', { ...labels, ...call });
              open.push({ id: String(index), deployment });
            } else if (step === 'end') {
              const [call] = open.splice(which % Math.max(1, open.length), 1);
              if (call !== undefined) {
                const failed = outcome === 'failed' ? { errorKind } : {};
                end(call.id, outcome, { deployment: call.deployment, streamed: true, ...failed });
              }
            } else if (step === 'alert') {
              bus.emit('alert-raised', { ...ALERT, subject: { deployment } });
            } else if (step === 'forget') {
              for (const one of [signals, single]) one.forget();
            } else if (step === 'retain') {
              for (const one of [signals, single]) one.retain(new Set([deployment]));
            }
            expect(signals.ofAll(LIST)).toEqual(LIST.map(({ id }) => single.of(id)));
          }
        },
      ),
    );
  });

  it('are one array as long as nothing changes', () => {
    const { signals, clock, start } = bench();
    const list = [{ id: NAMES.deployment }, { id: 'never called' }];
    start('1');
    const before = signals.ofAll(list);
    clock.nowMs += 50;
    expect(signals.ofAll(list)).toBe(before);
    start('2');
    expect(signals.ofAll(list)).not.toBe(before);
    expect(signals.ofAll(list)[0]?.inFlight).toBe(2);
    expect(before[0]?.inFlight).toBe(1);
  });
});

describe('LiveSignals', () => {
  it('counts in flight what has started and not ended, in any order, never under zero', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            which: fc.nat(1_000),
            starts: fc.boolean(),
            streamed: fc.boolean(),
            outcome: fc.constantFrom(...OUTCOMES),
            passMs: fc.nat(2_000),
          }),
          { maxLength: 200 },
        ),
        (steps) => {
          const { signals, clock, start, end } = bench();
          const open: string[] = [];
          for (const [index, { which, starts, streamed, outcome, passMs }] of steps.entries()) {
            clock.nowMs += passMs;
            if (starts || open.length === 0) {
              open.push(String(index));
              start(String(index), streamed);
            } else {
              const [id] = open.splice(which % open.length, 1);
              if (id !== undefined) end(id, outcome, { streamed });
            }
            const live = signals.of(NAMES.deployment);
            expect(live.inFlight).toBe(open.length);
            expect(live.errorRate).toBeGreaterThanOrEqual(0);
            expect(live.errorRate).toBeLessThanOrEqual(1);
            expect(live.samples).toBeLessThanOrEqual(64);
          }
          for (const id of open) end(id, 'succeeded');
          expect(signals.of(NAMES.deployment).inFlight).toBe(0);
        },
      ),
    );
  });

  it('takes an unknown deployment for an idle one, and keeps nothing of the question', () => {
    const { signals } = bench();
    expect(signals.of('__proto__')).toMatchObject({ inFlight: 0, samples: 0, restingUntilMs: 0 });
  });

  it('learns nothing from who left or lost', () => {
    const { signals, start, end } = bench();
    for (const outcome of ['client_left', 'hedge_lost'] as const) {
      start(outcome);
      end(outcome, outcome);
    }
    expect(signals.of(NAMES.deployment)).toMatchObject({
      samples: 0,
      errorRate: 0,
      latencyMs: undefined,
      consecutiveFailures: 0,
      lastErrorAtMs: undefined,
    });
  });

  it('learns from a copy that lost how long it has waited at least, where that is longer than most', () => {
    const lost = (durationMs: number): number | undefined => {
      const { signals, start, end } = bench();
      for (let index = 0; index < 4; index += 1) {
        start(`${index}`, true);
        end(`${index}`, 'succeeded', { streamed: true, timeToFirstTokenMs: 400, durationMs: 900 });
      }
      for (let index = 4; index < 10; index += 1) {
        start(`${index}`, true);
        end(`${index}`, 'hedge_lost', { streamed: true, durationMs });
      }
      expect(signals.of(NAMES.deployment)).toMatchObject({ samples: 4, errorRate: 0, inFlight: 0 });
      return signals.of(NAMES.deployment).timeToFirstTokenMs;
    };
    expect(lost(1_000)).toBe(1_000);
    expect(lost(50)).toBe(400);
  });

  it.each<ProviderErrorKind>(['invalid_request', 'context_length', 'content_filter', 'request_too_large'])(
    'does not blame the deployment for %s',
    (errorKind) => {
      const { signals, start, end } = bench();
      start('a');
      end('a', 'failed', { errorKind });
      expect(signals.of(NAMES.deployment)).toMatchObject({
        samples: 0,
        errorRate: 0,
        consecutiveFailures: 0,
      });
    },
  );

  it.each<ProviderErrorKind>([
    'server_error',
    'overloaded',
    'authentication',
    'connection',
    'timeout',
    'stream_cut',
  ])('counts %s as an error until the next success', (errorKind) => {
    const { signals, start, end } = bench();
    for (const id of ['a', 'b']) {
      start(id);
      end(id, 'failed', { errorKind });
    }
    expect(signals.of(NAMES.deployment)).toMatchObject({
      samples: 2,
      errorRate: 1,
      consecutiveFailures: 2,
      lastErrorKind: errorKind,
    });
    start('c');
    end('c', 'succeeded');
    expect(signals.of(NAMES.deployment)).toMatchObject({
      samples: 3,
      consecutiveFailures: 0,
      latencyMs: 100,
    });
  });

  it('rests for the Retry-After: the longest wait wins, none is over a minute, and 1 s without one', () => {
    const { signals, clock, start, end } = bench();
    const limited = (retryAfterMs?: number): number => {
      const id = String(Math.random());
      start(id);
      end(id, 'failed', { errorKind: 'rate_limited', retryAfterMs });
      return signals.of(NAMES.deployment).restingUntilMs - clock.nowMs;
    };
    expect(limited()).toBe(1_000);
    expect(limited(5_000)).toBe(5_000);
    expect(limited(1_000)).toBe(5_000);
    expect(limited(86_400_000)).toBe(60_000);
    // Told by its own means: no fault.
    expect(signals.of(NAMES.deployment)).toMatchObject({ samples: 0, errorRate: 0 });
  });

  it('lets a stream that waits teach before it ends, and forgets its wait with its first token', () => {
    const { bus, signals, clock, start, end } = bench();
    start('a', true);
    clock.nowMs += 3_000;
    expect(signals.of(NAMES.deployment).timeToFirstTokenMs).toBe(3_000);
    bus.emit('attempt-first-token', { ...NAMES, decisionId: 'a', attempt: 1, timeToFirstTokenMs: 3_100 });
    clock.nowMs += 1_000;
    expect(signals.of(NAMES.deployment).timeToFirstTokenMs).toBeUndefined();
    end('a', 'succeeded', { streamed: true, timeToFirstTokenMs: 3_100 });
    expect(signals.of(NAMES.deployment).timeToFirstTokenMs).toBe(3_100);
  });

  it('forgets what is older than its window', () => {
    const { signals, clock, start, end } = bench();
    start('a');
    end('a', 'failed', { errorKind: 'server_error' });
    clock.nowMs += 30_001;
    expect(signals.of(NAMES.deployment)).toMatchObject({ samples: 0, errorRate: 0, consecutiveFailures: 1 });
  });

  it("knows of a deployment's alert at once, and takes a surface's for nobody's", () => {
    const { bus, signals } = bench();
    bus.emit('alert-raised', ALERT);
    expect(signals.of(NAMES.deployment).inAlert).toBe(false);
    bus.emit('alert-raised', { ...ALERT, subject: { deployment: NAMES.deployment } });
    expect(signals.of(NAMES.deployment).inAlert).toBe(true);
    bus.emit('alert-cleared', { ...ALERT, subject: { deployment: NAMES.deployment } });
    expect(signals.of(NAMES.deployment).inAlert).toBe(false);
  });

  it("holds a provider's alert against all its deployments, called or not, and each alert until it is cleared", () => {
    const { bus, signals } = bench();
    const alert: Alert = { ...ALERT, subject: { provider: NAMES.provider } };
    const look = (deployment: string) => {
      const { inAlert, inCriticalAlert } = signals.of(deployment);
      return [inAlert, inCriticalAlert];
    };
    const never = `${NAMES.provider}/never-called`;
    bus.emit('alert-raised', alert);
    bus.emit('alert-raised', { ...alert, id: 'alert_2', subject: { deployment: never } });
    expect([look(never), look('elsewhere/model')]).toEqual([
      [true, false],
      [false, false],
    ]);
    bus.emit('alert-escalated', { ...alert, severity: 'critical' });
    expect(look(never)).toEqual([true, true]);
    bus.emit('alert-cleared', { ...alert, severity: 'critical' });
    expect(look(never)).toEqual([true, false]);
    bus.emit('alert-cleared', { ...alert, id: 'alert_2', subject: { deployment: never } });
    expect(look(never)).toEqual([false, false]);
    // Its breaker steers by itself.
    bus.emit('alert-raised', { ...alert, kind: 'breaker_open', subject: { deployment: never } });
    expect(look(never)).toEqual([false, false]);
  });

  it('hears nothing once closed', () => {
    const { signals, start } = bench();
    signals.close();
    start('a');
    expect(signals.of(NAMES.deployment).inFlight).toBe(0);
  });
});
