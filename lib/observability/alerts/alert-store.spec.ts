import { afterEach, describe, expect, it, vi } from 'vitest';
import { NO_USAGE } from '../../chat/index.js';
import { compileOptions } from '../../planning/index.js';
import { type Alert, type AttemptRecord, type Outcome, type RequestRecord, TelemetryBus } from '../../telemetry/index.js';
import { AlertsOptions } from '../../config/index.js';
import type { AlertSettings } from './alert-settings.js';
import { AlertStore } from './alert-store.js';

const SETTINGS: AlertSettings = new AlertsOptions();

const { policy } = compileOptions(
  {
    providers: {
      one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' },
      two: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:2/v1' },
    },
    models: {
      alpha: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 } },
      beta: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 } },
      gamma: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 } },
      unpriced: { provider: 'two', upstreamModel: 'vendor/unpriced-7b' },
    },
    routingRules: { simple_queries: { primary: ['alpha', 'beta', 'gamma', 'unpriced'] } },
    surfaces: { support: { latencySloMs: 1_500 }, reports: { workload: 'background' }, chat: {} },
  },
  {},
);

const open: AlertStore[] = [];

function bench(settings: Partial<AlertSettings> = {}) {
  const bus = new TelemetryBus();
  const clock = { nowMs: 1_700_000_000_000 };
  const store = new AlertStore(bus, policy, { ...SETTINGS, ...settings }, () => clock.nowMs);
  open.push(store);
  const raised: Alert[] = [];
  const cleared: Alert[] = [];
  bus.on('alert-raised', (alert) => raised.push(alert));
  bus.on('alert-cleared', (alert) => cleared.push(alert));
  const labels = {
    decisionId: 'd',
    surface: 'support',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: false,
    startedAtMs: 0,
    durationMs: 100,
    timeToFirstTokenMs: undefined,
    usage: NO_USAGE,
    costUsd: 0,
  } as const;
  return {
    bus,
    store,
    clock,
    raised,
    cleared,
    calls: (count: number, outcome: Outcome = 'succeeded', extra: Partial<AttemptRecord> = {}) => {
      for (let index = 0; index < count; index += 1) {
        bus.emit('attempt-ended', {
          ...labels,
          deployment: 'one/alpha',
          model: 'alpha',
          provider: 'one',
          attempt: 1,
          tier: 'primary',
          outcome,
          errorKind: undefined,
          status: undefined,
          providerCode: undefined,
          retryAfterMs: undefined,
          usageSource: 'reported',
          reportedModel: undefined,
          ...extra,
        });
      }
    },
    passedOver: (count: number) => {
      for (let index = 0; index < count; index += 1) {
        bus.emit('deployment-passed-over', { decisionId: 'd', deployment: 'one/alpha' });
      }
    },
    requests: (count: number, extra: Partial<RequestRecord> = {}) => {
      for (let index = 0; index < count; index += 1) {
        bus.emit('request-ended', {
          ...labels,
          outcome: 'succeeded',
          errorCode: undefined,
          attempts: 1,
          policyHash: 'policy',
          servedBy: undefined,
          ...extra,
        });
      }
    },
  };
}

afterEach(() => {
  for (const store of open.splice(0)) store.close();
  vi.useRealTimers();
});

describe('error rate', () => {
  it('alerts over 2 % of 300 calls, once, and says what it saw', () => {
    const { store, calls, raised, clock } = bench();
    calls(293);
    calls(4, 'failed');
    calls(3, 'timed_out');
    const [alert] = store.report().active;
    expect(alert).toEqual({
      id: expect.stringMatching(/^alert_[-0-9a-f]{36}$/) as string,
      kind: 'error_rate',
      subject: { deployment: 'one/alpha' },
      value: 7 / 300,
      worstValue: 7 / 300,
      threshold: 0.02,
      requests: 300,
      windowMs: 300_000,
      since: new Date(clock.nowMs).toISOString(),
      clearedAt: null,
    });
    calls(10, 'failed');
    expect(store.report().active).toMatchObject([
      { id: alert?.id, value: 17 / 310, worstValue: 17 / 310, requests: 310 },
    ]);
    expect(raised).toHaveLength(1);
  });

  it.each<[string, number, number]>([
    ['exactly 2 %', 294, 6],
    ['8 % of 12 calls, which is noise', 11, 1],
    ['all of 299 calls', 0, 299],
  ])('does not alert at %s', (_, good, bad) => {
    const { store, calls } = bench();
    calls(good);
    calls(bad, 'failed');
    expect(store.report().active).toEqual([]);
  });

  it.each<Outcome>(['client_left', 'hedge_lost', 'shed', 'rejected'])('takes no notice of %s', (outcome) => {
    const { store, calls, requests } = bench();
    calls(290);
    calls(1_000, outcome);
    requests(290);
    requests(1_000, { outcome });
    expect(store.report().active).toEqual([]);
    calls(10, 'failed');
    requests(10, { outcome: 'failed' });
    expect(store.report().active).toMatchObject([{ requests: 300 }, { requests: 300 }]);
  });

  it('stands between half of the limit and the limit, and clears at half, once', () => {
    const { store, calls, raised, cleared } = bench();
    calls(290);
    calls(10, 'failed');
    expect(store.report().active).toHaveLength(1);
    calls(300); // 10 of 600: 1.7 %
    expect(store.report().active).toMatchObject([{ value: 10 / 600, worstValue: 10 / 300 }]);
    calls(10, 'failed'); // over the limit again: the same alert
    calls(390);
    expect(store.report().active).toHaveLength(1);
    calls(1_000); // 20 of 2,000: 1 %
    expect(store.report()).toMatchObject({
      active: [],
      recent: [{ value: 0.01, worstValue: 20 / 610 > 10 / 300 ? 20 / 610 : 10 / 300, requests: 2_000 }],
    });
    expect(store.report().recent[0]?.clearedAt).not.toBeNull();
    expect([raised.length, cleared.length]).toEqual([1, 1]);
    expect(cleared[0]?.id).toBe(raised[0]?.id);
  });

  it('clears with the window: whatever little traffic is left in it must be healthy', () => {
    const { store, calls, clock } = bench();
    calls(300, 'failed');
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 200_000;
    calls(5);
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 100_000;
    // Five calls are left, all of them good.
    expect(store.report()).toMatchObject({ active: [], recent: [{ value: 0, worstValue: 1, requests: 5 }] });
  });

  it('stands while the little traffic that is left fails', () => {
    const { store, calls, clock } = bench();
    calls(300, 'failed');
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 200_000;
    calls(5, 'failed');
    clock.nowMs += 100_000;
    expect(store.report().active).toMatchObject([{ value: 1, requests: 5 }]);
    clock.nowMs += 300_000;
    expect(store.report()).toMatchObject({ active: [], recent: [{ requests: 0 }] });
  });

  it('is raised again, as another alert, when it happens again', () => {
    const { store, calls, clock, raised } = bench();
    for (let round = 0; round < 60; round += 1) {
      calls(300, 'failed');
      expect(store.report().active).toHaveLength(1);
      clock.nowMs += 300_000;
      expect(store.report().active).toEqual([]);
    }
    expect(new Set(raised.map(({ id }) => id)).size).toBe(60);
    expect(store.report().recent.map(({ id }) => id)).toEqual(
      raised
        .slice(-50)
        .map(({ id }) => id)
        .toReversed(),
    );
  });

  it("also watches a surface's requests, which a fallback may have saved", () => {
    const { store, calls, requests } = bench();
    calls(300, 'failed');
    requests(300);
    expect(store.report().active.map(({ subject }) => subject)).toEqual([{ deployment: 'one/alpha' }]);
    requests(10, { outcome: 'failed' });
    expect(store.report().active.map(({ subject }) => subject)).toEqual([
      { deployment: 'one/alpha' },
      { surface: 'support' },
    ]);
  });
});

describe('a deployment that is down, and hardly called for it', () => {
  it('alerts on the traffic that passes it over, once some of its calls have failed', () => {
    const { store, calls, passedOver } = bench();
    calls(4, 'failed');
    passedOver(1_000);
    expect(store.report().active).toEqual([]);
    calls(1, 'failed');
    expect(store.report().active).toMatchObject([{ value: 1, requests: 5 }]);
  });

  it.each([
    ['little traffic', 5, 0, 294],
    ['few failures among many calls', 1, 60, 400],
  ])('does not on %s', (_, failed, good, over) => {
    const { store, calls, passedOver } = bench();
    calls(failed, 'failed');
    calls(good);
    passedOver(over);
    expect(store.report().active).toEqual([]);
  });

  it('stands while it is passed over, and clears when it is called again and answers', () => {
    const { store, calls, passedOver, clock } = bench();
    calls(5, 'failed');
    passedOver(300);
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 200_000;
    passedOver(1);
    clock.nowMs += 100_000;
    expect(store.report().active).toMatchObject([{ value: 0, worstValue: 1, requests: 0 }]);
    calls(1);
    expect(store.report().active).toEqual([]);
  });
});

describe('latency over the SLO', () => {
  const latencyAlerts = (store: AlertStore): readonly Alert[] =>
    store.report().active.filter(({ kind }) => kind === 'latency_slo');

  it('alerts where the 95th percentile of whole answers is over the SLO', () => {
    const { store, requests } = bench();
    requests(285, { durationMs: 1_500 });
    requests(15, { durationMs: 9_000 });
    expect(latencyAlerts(store)).toEqual([]);
    requests(1, { durationMs: 1_501 });
    expect(latencyAlerts(store)).toMatchObject([{ subject: { surface: 'support' }, threshold: 1_500 }]);
    requests(20, { durationMs: 9_000 });
    expect(latencyAlerts(store)[0]?.value).toBeGreaterThan(8_000);
    expect(latencyAlerts(store)[0]?.value).toBeLessThan(9_900);
    requests(2_000, { durationMs: 100 });
    expect(latencyAlerts(store)).toEqual([]);
  });

  it.each<[string, Partial<RequestRecord>, boolean]>([
    ['a stream by its first token', { streamed: true, timeToFirstTokenMs: 1_600, durationMs: 1_700 }, true],
    ['a stream not by its end', { streamed: true, timeToFirstTokenMs: 500, durationMs: 60_000 }, false],
    ['who waited in vain', { outcome: 'timed_out', durationMs: 60_000 }, true],
    ['no error by its time', { outcome: 'failed', durationMs: 60_000 }, false],
    ['nobody who left', { outcome: 'client_left', durationMs: 60_000 }, false],
    ['background work with an SLO of its own', { workload: 'background', durationMs: 60_000 }, true],
    ['not background work without', { surface: 'reports', workload: 'background', durationMs: 9_000 }, false],
    [
      'interactive streams without',
      { surface: 'chat', streamed: true, timeToFirstTokenMs: 2_100, durationMs: 9_000 },
      true,
    ],
    ['not whole answers by an SLO that nobody wrote', { surface: 'chat', durationMs: 9_000 }, false],
    [
      'requests without a surface likewise',
      { surface: 'none', streamed: true, timeToFirstTokenMs: 2_100 },
      true,
    ],
    ['no surface that is not configured', { surface: 'gone', durationMs: 60_000 }, false],
  ])('counts %s', (_, record, alerts) => {
    const { store, requests } = bench();
    requests(300, record);
    expect(latencyAlerts(store)).toHaveLength(alerts ? 1 : 0);
  });
});

describe('evaluation', () => {
  it('needs no reader: raises within a second, and clears in silence; no timer is left', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { calls, raised, cleared, clock } = bench();
    calls(300, 'failed');
    expect(raised).toEqual([]);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(raised).toHaveLength(1);
    clock.nowMs += 300_000;
    vi.advanceTimersByTime(1_000);
    expect(cleared).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops when closed', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { store, calls, raised } = bench();
    calls(300, 'failed');
    store.close();
    calls(300, 'failed');
    vi.advanceTimersByTime(10_000);
    expect([raised.length, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('watches nothing when switched off', () => {
    const { store, calls, requests } = bench({ enabled: false });
    calls(1_000, 'failed');
    requests(1_000, { outcome: 'failed' });
    expect(store.report()).toEqual({ enabled: false, active: [], recent: [] });
  });

  it('costs a record next to nothing', () => {
    const { bus, calls, requests } = bench();
    const emits: (() => void)[] = [];
    bus.on('attempt-ended', (record) =>
      emits.push(() => {
        bus.emit('attempt-ended', record);
      }),
    );
    bus.on('request-ended', (record) =>
      emits.push(() => {
        bus.emit('request-ended', record);
      }),
    );
    calls(1);
    requests(1);
    const [attempt, request] = emits;
    const started = performance.now();
    for (let count = 0; count < 50_000; count += 1) {
      attempt?.();
      request?.();
    }
    const microseconds = ((performance.now() - started) * 1_000) / 100_000;
    console.log(`AlertStore: ${microseconds.toFixed(2)} us a record`);
    expect(microseconds).toBeLessThan(50);
  });
});

describe('another configuration', () => {
  it('keeps what was counted, and judges it by the new limit', () => {
    const { store, calls, raised } = bench();
    calls(285);
    calls(15, 'failed');
    store.follow(policy, { ...SETTINGS, errorRate: 0.1 });
    expect(store.report().active).toEqual([]);
    store.follow(policy, { ...SETTINGS, errorRate: 0.01 });
    expect(store.report().active).toMatchObject([{ subject: { deployment: 'one/alpha' }, threshold: 0.01 }]);
    store.follow(policy, { ...SETTINGS, errorRate: 0.03 });
    expect(store.report().active).toMatchObject([{ requests: 300, threshold: 0.03 }]);
    expect(raised).toHaveLength(1);
  });

  it('clears the alerts of what is gone, and counts no more of it', () => {
    const { store, calls, requests, cleared } = bench();
    calls(300, 'failed');
    requests(300, { outcome: 'failed', errorCode: 'all_attempts_failed' });
    requests(300, { surface: 'chat', outcome: 'failed', errorCode: 'all_attempts_failed' });
    expect(store.report().active).toHaveLength(3);
    const withoutSupport = {
      ...policy,
      models: new Map([...policy.models].filter(([name]) => name !== 'alpha')),
      surfaces: new Map([...policy.surfaces].filter(([name]) => name !== 'support')),
    };
    store.follow(withoutSupport, SETTINGS);
    expect(store.report().active).toMatchObject([{ subject: { surface: 'chat' } }]);
    expect(new Set(cleared.map(({ subject }) => subject))).toEqual(
      new Set([{ deployment: 'one/alpha' }, { surface: 'support' }]),
    );
    // Of requests that are still under way.
    calls(300, 'failed');
    requests(300, { outcome: 'failed', errorCode: 'all_attempts_failed' });
    expect(store.report().active).toHaveLength(1);
  });

  it('counts anew where the window or the SLO is another', () => {
    const { store, requests } = bench();
    requests(300, { durationMs: 2_000 });
    expect(store.report().active).toMatchObject([{ kind: 'latency_slo', threshold: 1_500 }]);
    const support = policy.surfaces.get('support')!;
    const surfaces = new Map([...policy.surfaces, ['support', { ...support, latencySloMs: 1_000 }]]);
    store.follow({ ...policy, surfaces }, SETTINGS);
    expect(store.report().active).toEqual([]);
    requests(300, { durationMs: 2_000 });
    expect(store.report().active).toMatchObject([{ kind: 'latency_slo', threshold: 1_000, requests: 300 }]);
    store.follow({ ...policy, surfaces }, { ...SETTINGS, windowMs: 60_000 });
    expect(store.report().active).toEqual([]);
  });

  it('can switch alerts off, and on again', () => {
    const { store, calls, cleared } = bench();
    calls(300, 'failed');
    expect(store.report().active).toHaveLength(1);
    store.follow(policy, { ...SETTINGS, enabled: false });
    expect(store.report()).toMatchObject({ enabled: false, active: [] });
    expect(cleared).toHaveLength(1);
    calls(300, 'failed');
    store.follow(policy, SETTINGS);
    expect(store.report().active).toEqual([]);
    calls(300, 'failed');
    expect(store.report().active).toMatchObject([{ requests: 300 }]);
  });
});
