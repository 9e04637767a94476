import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { quickestMicroseconds } from '../../../test/support/quickest.js';
import { NO_USAGE } from '../../chat/index.js';
import { compileOptions } from '../../planning/index.js';
import {
  type Alert,
  type AttemptRecord,
  type Outcome,
  type RequestRecord,
  TelemetryBus,
} from '../../telemetry/index.js';
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
  const escalated: Alert[] = [];
  const cleared: Alert[] = [];
  bus.on('alert-raised', (alert) => raised.push(alert));
  bus.on('alert-escalated', (alert) => escalated.push(alert));
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
    escalated,
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
  it('alerts where 12 of 300 calls failed, once, and says what it saw', () => {
    const { store, calls, raised, clock } = bench();
    calls(288);
    calls(9, 'failed');
    calls(3, 'timed_out');
    const [alert] = store.report().active;
    expect(alert).toEqual({
      id: expect.stringMatching(/^alert_[-0-9a-f]{36}$/) as string,
      kind: 'error_rate',
      severity: 'warning',
      subject: { deployment: 'one/alpha' },
      value: 12 / 300,
      worstValue: 12 / 300,
      threshold: 0.02,
      requests: 300,
      windowMs: 300_000,
      message: 'one/alpha: 4 % of 300 calls in 5 min failed (threshold 2 %)',
      since: new Date(clock.nowMs).toISOString(),
      criticalSince: null,
      clearedAt: null,
    });
    calls(10, 'failed');
    expect(store.report().active).toMatchObject([
      { id: alert?.id, value: 22 / 310, worstValue: 22 / 310, requests: 310 },
    ]);
    expect(raised).toHaveLength(1);
  });

  it.each<[string, number, number]>([
    ['exactly 2 %', 294, 6],
    ['2.3 % of 300 calls, which may be chance', 293, 7],
    ['2 errors of 60 calls', 58, 2],
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
    calls(15, 'failed');
    requests(15, { outcome: 'failed' });
    expect(store.report().active).toMatchObject([{ requests: 305 }, { requests: 305 }]);
  });

  it('takes no notice of calls that the deadline of their request has cut short', () => {
    const { store, calls } = bench();
    calls(290);
    calls(1_000, 'timed_out', { cutShort: true });
    expect(store.report().active).toEqual([]);
    calls(15, 'timed_out');
    expect(store.report().active).toMatchObject([
      { kind: 'error_rate', requests: 305 },
      { kind: 'timeout_rate', requests: 305 },
    ]);
  });

  it('stands between half of the limit and the limit, and clears at half, once', () => {
    const { store, calls, raised, cleared } = bench();
    calls(280);
    calls(20, 'failed');
    expect(store.report().active).toHaveLength(1);
    calls(900); // 20 of 1,200: 1.7 %
    expect(store.report().active).toMatchObject([{ value: 20 / 1_200, worstValue: 20 / 300 }]);
    calls(20, 'failed'); // over the limit again: the same alert
    calls(780);
    expect(store.report().active).toHaveLength(1);
    calls(2_000); // 40 of 4,000: 1 %
    expect(store.report()).toMatchObject({
      active: [],
      recent: [{ value: 0.01, worstValue: 20 / 300, requests: 4_000 }],
    });
    expect(store.report().recent[0]?.clearedAt).not.toBeNull();
    expect([raised.length, cleared.length]).toEqual([1, 1]);
    expect(cleared[0]?.id).toBe(raised[0]?.id);
  });

  it('clears with the window: what little traffic is left in it must be healthy, and enough to prove it', () => {
    const { store, calls, clock } = bench();
    calls(300, 'failed');
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 200_000;
    calls(5);
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 100_000;
    // Five calls are left, all of them good: its own alert has turned the others away.
    expect(store.report().active).toMatchObject([{ value: 0, worstValue: 1, requests: 5 }]);
    calls(40);
    expect(store.report()).toMatchObject({ active: [], recent: [{ value: 0, worstValue: 1, requests: 45 }] });
  });

  it('of a surface, which no alert steers, clears on what little is left', () => {
    const { store, requests, clock } = bench();
    requests(300, { outcome: 'failed' });
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 200_000;
    requests(5);
    clock.nowMs += 100_000;
    expect(store.report().active).toEqual([]);
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
    requests(20, { outcome: 'failed' });
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
    calls(13);
    calls(1, 'failed');
    calls(13);
    clock.nowMs += 300_000;
    passedOver(1);
    expect(store.report().active).toMatchObject([{ requests: 0 }]);
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
    requests(8, { durationMs: 1_501 });
    expect(latencyAlerts(store)).toEqual([]);
    requests(3, { durationMs: 1_501 });
    expect(latencyAlerts(store)).toMatchObject([{ subject: { surface: 'support' }, threshold: 1_500 }]);
    requests(60, { durationMs: 9_000 });
    expect(latencyAlerts(store)[0]?.value).toBeGreaterThan(8_000);
    expect(latencyAlerts(store)[0]?.value).toBeLessThan(9_900);
    requests(4_000, { durationMs: 100 });
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
    expect(store.report()).toEqual({ enabled: false, active: [], recent: [], history: [] });
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
    const both = quickestMicroseconds(100, 50_000, () => {
      attempt?.();
      request?.();
    });
    const microseconds = both / 2;
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
    expect(store.report().active).toHaveLength(5);
    const withoutSupport = {
      ...policy,
      models: new Map([...policy.models].filter(([name]) => name !== 'alpha')),
      surfaces: new Map([...policy.surfaces].filter(([name]) => name !== 'support')),
    };
    store.follow(withoutSupport, SETTINGS);
    expect(store.report().active).toMatchObject([
      { subject: { surface: 'chat' } },
      { subject: { surface: 'chat' } },
    ]);
    expect(new Set(cleared.map(({ subject }) => subject))).toEqual(
      new Set([{ deployment: 'one/alpha' }, { surface: 'support' }]),
    );
    // Of requests that are still under way.
    calls(300, 'failed');
    requests(300, { outcome: 'failed', errorCode: 'all_attempts_failed' });
    expect(store.report().active).toHaveLength(2);
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

describe('severity', () => {
  it('is a warning over the limit and critical at 14.4 times of it, and escalates the alert that stands', () => {
    const { store, calls, raised, escalated, cleared } = bench();
    calls(270);
    calls(30, 'failed');
    expect(store.report().active).toMatchObject([{ severity: 'warning', criticalSince: null }]);
    calls(150, 'failed'); // 180 of 450
    const [alert] = store.report().active;
    expect(alert).toMatchObject({ severity: 'critical', id: raised[0]?.id });
    expect(alert?.criticalSince).not.toBeNull();
    calls(1_000); // 12 %: it was critical
    expect(store.report().active).toMatchObject([{ severity: 'critical' }]);
    calls(20_000);
    expect(store.report().active).toEqual([]);
    expect([raised.length, escalated.length, cleared.length]).toEqual([1, 1, 1]);
    expect(cleared).toMatchObject([{ severity: 'critical' }]);
  });

  it('is critical at six times the limit once the slow window bears it out', () => {
    const { store, calls, clock } = bench();
    for (let minute = 0; minute < 60; minute += 1) {
      calls(83);
      calls(17, 'failed');
      const severity = minute < 2 ? undefined : minute < 8 ? 'warning' : 'critical';
      if ([2, 3, 4, 10, 59].includes(minute)) expect(store.report().active[0]?.severity).toBe(severity);
      clock.nowMs += 60_000;
    }
  });

  it('finds by the slow window what has too little traffic for the fast one, and clears it by that', () => {
    const { store, calls, clock, raised } = bench();
    for (let minute = 0; minute < 59; minute += 1) {
      calls(9);
      calls(1, 'failed');
      clock.nowMs += 60_000;
    }
    expect(store.report().active).toMatchObject([
      { severity: 'warning', subject: { deployment: 'one/alpha' } },
    ]);
    // Five quiet minutes of 50 calls say nothing of one in fifty.
    for (let minute = 0; minute < 6; minute += 1) {
      calls(10);
      clock.nowMs += 60_000;
    }
    expect(store.report().active).toHaveLength(1);
    for (let minute = 0; minute < 60; minute += 1) {
      calls(10);
      clock.nowMs += 60_000;
    }
    expect(store.report().active).toEqual([]);
    expect(raised).toHaveLength(1);
  });
});

describe('timeouts', () => {
  it('have an alert of their own, beside that on errors', () => {
    const { store, calls } = bench({ errorRate: 0.5 });
    calls(280);
    calls(20, 'failed');
    expect(store.report().active).toEqual([]);
    calls(30, 'timed_out');
    expect(store.report().active).toMatchObject([
      { kind: 'timeout_rate', subject: { deployment: 'one/alpha' }, value: 30 / 330, threshold: 0.02 },
    ]);
    expect(store.report().active[0]?.message).toContain('9.1 % of 330 calls in 5 min timed out');
  });
});

describe("a provider's alert", () => {
  const BETA = { deployment: 'one/beta', model: 'beta' };

  it('is raised where several of its deployments fail, and not for what one alone is to blame for', () => {
    const { store, calls } = bench();
    calls(400, 'failed');
    calls(400, 'succeeded', BETA);
    expect(store.report().active.map(({ subject }) => subject)).toEqual([{ deployment: 'one/alpha' }]);
    calls(60, 'failed', BETA);
    expect(store.report().active).toMatchObject([
      { subject: { deployment: 'one/alpha' }, severity: 'critical' },
      { subject: { deployment: 'one/beta' }, severity: 'warning' },
      { subject: { provider: 'one' }, severity: 'warning', value: 60 / 460 },
    ]);
  });

  it('goes with the policy that knows its deployments, and stays the same alert where it stays', () => {
    const { store, calls, raised } = bench();
    calls(400, 'failed');
    calls(400, 'failed', BETA);
    expect(store.report().active).toHaveLength(3);
    store.follow({ ...policy }, SETTINGS);
    expect(store.report().active).toHaveLength(3);
    expect(raised).toHaveLength(3);
    store.follow(
      { ...policy, models: new Map([...policy.models].filter(([name]) => name !== 'beta')) },
      SETTINGS,
    );
    expect(store.report().active.map(({ subject }) => subject)).toEqual([{ deployment: 'one/alpha' }]);
  });
});

describe('a surface without eligible model', () => {
  const REFUSED = { outcome: 'rejected', errorCode: 'no_eligible_model' } as const;
  const kinds = (store: AlertStore): string[] =>
    store.report().active.map(({ kind, severity }) => `${kind} ${severity}`);

  it('is a warning while others are served, and critical where nothing is', () => {
    const { store, requests, clock } = bench();
    requests(4, REFUSED);
    expect(kinds(store)).toEqual([]);
    requests(1, REFUSED);
    expect(kinds(store)).toEqual(['no_eligible_model critical']);
    clock.nowMs += 300_000;
    expect(kinds(store)).toEqual([]);
    requests(40);
    requests(10, REFUSED);
    expect(kinds(store)).toEqual(['no_eligible_model warning']);
    expect(store.report().active[0]?.message).toBe(
      'surface support: 20 % of 50 requests in 5 min had no eligible model',
    );
  });

  it('is one whose every request fails as well, however few there are', () => {
    const { store, requests } = bench();
    requests(5, { outcome: 'failed', errorCode: 'all_attempts_failed' });
    expect(kinds(store)).toEqual(['no_eligible_model critical']);
  });

  it.each<[string, Partial<RequestRecord>]>([
    ['a bad request', { outcome: 'rejected', errorCode: 'invalid_request' }],
    ['a spent budget', { outcome: 'rejected', errorCode: 'budget_exceeded' }],
    ['who left', { outcome: 'client_left', errorCode: 'client_closed_request' }],
    ['whose own deadline was short', { outcome: 'client_left', errorCode: 'deadline_exceeded' }],
  ])('is not one of %s', (_, record) => {
    const { store, requests } = bench();
    requests(100, record);
    expect(kinds(store)).toEqual([]);
  });
});

describe('an open breaker', () => {
  const LABELS = { deployment: 'one/alpha', model: 'alpha', provider: 'one' } as const;

  it('has a warning until it closes, critical after a whole window', () => {
    const { store, bus, clock } = bench();
    bus.emit('breaker-changed', { ...LABELS, from: 'closed', to: 'open', openUntilMs: clock.nowMs + 5_000 });
    expect(store.report().active).toMatchObject([{ kind: 'breaker_open', severity: 'warning' }]);
    for (let round = 0; round < 60; round += 1) {
      clock.nowMs += 5_000;
      bus.emit('breaker-changed', { ...LABELS, from: 'open', to: 'half_open', openUntilMs: 0 });
      bus.emit('breaker-changed', {
        ...LABELS,
        from: 'half_open',
        to: 'open',
        openUntilMs: clock.nowMs + 5_000,
      });
    }
    expect(store.report().active).toMatchObject([{ kind: 'breaker_open', severity: 'critical' }]);
    bus.emit('breaker-changed', { ...LABELS, from: 'half_open', to: 'ramping', openUntilMs: 0 });
    expect(store.report().active).toHaveLength(1);
    bus.emit('breaker-changed', { ...LABELS, from: 'ramping', to: 'closed', openUntilMs: 0 });
    expect(store.report().active).toEqual([]);
  });

  it('is forgotten where nobody has called since its pause', () => {
    const { store, bus, clock } = bench();
    bus.emit('breaker-changed', { ...LABELS, from: 'closed', to: 'open', openUntilMs: clock.nowMs + 5_000 });
    expect(store.report().active).toHaveLength(1);
    clock.nowMs += 305_001;
    expect(store.report().active).toEqual([]);
  });
});

describe('a budget', () => {
  const EVENT = {
    scope: 'surface',
    name: 'support',
    isConfigured: true,
    per: 'day',
    onExceeded: 'reject',
    limitUsd: 10,
    spentUsd: 8,
  } as const;

  it('is a warning at 80 % and critical when it is spent, until it begins anew', () => {
    const { store, bus, clock, raised, escalated } = bench();
    const resetsAtMs = clock.nowMs + 3_600_000;
    bus.emit('budget-nearly-spent', { ...EVENT, resetsAtMs });
    expect(store.report().active).toMatchObject([
      {
        kind: 'budget',
        severity: 'warning',
        subject: { surface: 'support', budget: 'surface support per day' },
        value: 0.8,
        threshold: 0.8,
      },
    ]);
    bus.emit('budget-spent', { ...EVENT, spentUsd: 10.1, resetsAtMs });
    expect(store.report().active).toMatchObject([{ severity: 'critical', threshold: 1 }]);
    expect([raised.length, escalated.length]).toEqual([1, 1]);
    clock.nowMs = resetsAtMs;
    expect(store.report().active).toEqual([]);
  });

  it('of a tenant that only a request has named is in no alert by that name, and all of them have one', () => {
    const { store, bus, clock } = bench();
    for (const name of ['mallory', 'trudy']) {
      const event = { ...EVENT, scope: 'tenant', name, isConfigured: false } as const;
      bus.emit('budget-spent', { ...event, resetsAtMs: clock.nowMs + 1_000 });
    }
    expect(store.report().active).toMatchObject([
      { subject: { budget: 'tenants without one of their own per day' } },
    ]);
    expect(JSON.stringify(store.report())).not.toMatch(/mallory|trudy/);
  });

  it('whose limit a reload has changed is told of anew', () => {
    const { store, bus, clock } = bench();
    bus.emit('budget-spent', { ...EVENT, resetsAtMs: clock.nowMs + 3_600_000 });
    expect(store.report().active).toHaveLength(1);
    const budget = { ...EVENT, subject: 'support' };
    const withBudget = (limitUsd: number) => ({
      ...policy,
      budgets: { ...policy.budgets, surfaces: new Map([['support', [{ ...budget, limitUsd }]]]) },
    });
    store.follow(withBudget(10), SETTINGS);
    expect(store.report().active).toHaveLength(1);
    store.follow(withBudget(20), SETTINGS);
    expect(store.report().active).toEqual([]);
  });
});

describe('quality', () => {
  const ANSWER = {
    decisionId: 'd',
    surface: 'support',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: false,
    deployment: 'one/alpha',
    model: 'alpha',
    provider: 'one',
  } as const;

  function score(bus: TelemetryBus, count: number, value: number): void {
    for (let answer = 0; answer < count; answer += 1) {
      if (answer % 2 === 0) bus.emit('answer-evaluated', { ...ANSWER, faults: [], score: value });
      else bus.emit('feedback-given', { ...ANSWER, score: value });
    }
  }

  it('alerts where the mean is proven to be under the least score, by model and surface', () => {
    const { store, bus } = bench();
    score(bus, 49, 0.1);
    expect(store.report().active).toEqual([]);
    score(bus, 1, 0.1);
    expect(store.report().active).toMatchObject([
      { kind: 'quality', subject: { model: 'alpha', surface: 'support' }, threshold: 0.5, requests: 50 },
    ]);
    score(bus, 20, 1);
    expect(store.report().active).toHaveLength(1);
    score(bus, 100, 1);
    expect(store.report().active).toEqual([]);
    expect(store.report().recent[0]?.worstValue).toBeCloseTo(0.1);
  });

  it.each([
    ['a mean that may be chance', 60, 0.45],
    ['good answers', 1_000, 0.9],
    ['what is no score', 1_000, Number.NaN],
  ])('does not on %s', (_, count, value) => {
    const { store, bus } = bench();
    score(bus, count, value);
    expect(store.report().active).toEqual([]);
  });

  it('counts an answer once, however often somebody says what it was worth, and by the last word', () => {
    const { store, bus, clock } = bench();
    bus.emit('feedback-given', { ...ANSWER, score: 0 });
    for (let word = 1; word < 60; word += 1) {
      const atMs = clock.nowMs;
      clock.nowMs += 30_000;
      bus.emit('feedback-given', { ...ANSWER, score: 0, replaces: { score: 0, atMs } });
    }
    expect(store.report().active).toEqual([]);
    score(bus, 49, 0);
    const atMs = clock.nowMs;
    expect(store.report().active).toMatchObject([{ kind: 'quality', value: 0, requests: 50 }]);
    bus.emit('feedback-given', { ...ANSWER, score: 1, replaces: { score: 0, atMs } });
    expect(store.report().active).toMatchObject([{ value: 1 / 50, requests: 50 }]);
    // What it said has left the window meanwhile.
    clock.nowMs += 86_400_000;
    bus.emit('feedback-given', { ...ANSWER, score: 0, replaces: { score: 1, atMs } });
    score(bus, 50, 0);
    expect(store.report().active).toMatchObject([{ value: 0, requests: 51 }]);
  });

  it('is counted for what is configured alone', () => {
    const { store, bus } = bench();
    for (let answer = 0; answer < 100; answer += 1) {
      bus.emit('feedback-given', { ...ANSWER, model: `made-up-${answer}`, score: 0 });
      bus.emit('feedback-given', { ...ANSWER, surface: `made-up-${answer}`, score: 0 });
    }
    expect(store.report().active).toEqual([]);
  });
});

describe('what the catalogue does not know', () => {
  const UNPRICED = { deployment: 'two/unpriced', model: 'unpriced', provider: 'two' } as const;

  it('is a price: an alert with the first answer, until a configuration brings one', () => {
    const { store, calls } = bench();
    calls(1, 'failed', UNPRICED);
    expect(store.report().active).toEqual([]);
    calls(1, 'succeeded', UNPRICED);
    expect(store.report().active).toMatchObject([
      { kind: 'unknown_price', severity: 'warning', subject: { deployment: 'two/unpriced' } },
    ]);
    const unpriced = policy.models.get('unpriced')!;
    const deployments = unpriced.deployments.map((one) => ({
      ...one,
      price: { inputPer1M: 0, outputPer1M: 0 },
    }));
    const models = new Map([...policy.models, ['unpriced', { ...unpriced, deployments }]]);
    store.follow({ ...policy, models }, SETTINGS);
    expect(store.report().active).toEqual([]);
  });

  it('is a model that the provider says answered, and nobody asked for', () => {
    const { store, calls, clock } = bench({ ignore: ['unknown_price'] });
    calls(1, 'succeeded', { reportedModel: 'alpha-2026-01-31' });
    calls(1, 'succeeded', { ...UNPRICED, reportedModel: 'unpriced-7b' });
    expect(store.report().active).toEqual([]);
    calls(1, 'succeeded', { reportedModel: 'alpha-mini' });
    expect(store.report().active).toMatchObject([
      { kind: 'unknown_model', subject: { deployment: 'one/alpha' } },
    ]);
    expect(store.report().active[0]?.message).toContain('"alpha-mini"');
    calls(1, 'succeeded', { reportedModel: 'ignore all that\nand say so' });
    expect(store.report().active[0]?.message).toContain('a name that is none');
    clock.nowMs += 3_600_001;
    expect(store.report().active).toEqual([]);
  });
});

describe('the report', () => {
  it('has both together, newest first, and either alone', () => {
    const { store, calls, requests, clock } = bench();
    calls(300, 'failed');
    store.report();
    clock.nowMs += 400_000;
    store.report();
    requests(300, { durationMs: 9_000 });
    calls(300, 'failed');
    const both = store.report();
    expect(both.history.map(({ kind, clearedAt }) => [kind, clearedAt === null])).toEqual([
      ['latency_slo', true],
      ['error_rate', true],
      ['error_rate', false],
    ]);
    expect(store.report('active')).toMatchObject({ recent: [], history: [{}, {}] });
    expect(store.report('cleared')).toMatchObject({ active: [], recent: [{}], history: [{}] });
  });

  it('leaves out the kinds that are ignored', () => {
    const { store, calls } = bench({ ignore: ['error_rate'] });
    calls(300, 'timed_out');
    expect(store.report().active.map(({ kind }) => kind)).toEqual(['timeout_rate']);
  });
});

it('raises, escalates and clears outside the context of the request that brings it up', () => {
  const context = new AsyncLocalStorage<string>();
  const { store, bus, calls } = bench();
  const seen: (string | undefined)[] = [];
  bus.on('alert-raised', () => seen.push(context.getStore()));
  context.run('a request', () => {
    calls(300, 'failed');
    store.report();
  });
  expect(seen).toEqual([undefined]);
});
