import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../errors/index.js';
import { type Outcome, type RequestLabels, TelemetryBus } from '../telemetry/index.js';
import { KPI_ROW_DIMENSIONS, type KpiFigures, type KpiQuery, type KpiRowDimension } from './kpi-query.js';
import { readKpiQuery } from './kpi-read-query.js';
import { attempt, request } from './kpi-records.spec-support.js';
import { KpiStore } from './kpi-store.js';

const MINUTE_MS = 60_000;
const START_MS = 1_700_000_000_000;

function storeOf(tenants = 20): { bus: TelemetryBus; store: KpiStore; clock: { nowMs: number } } {
  const bus = new TelemetryBus();
  const clock = { nowMs: START_MS };
  return { bus, clock, store: new KpiStore(bus, { tenants, now: () => clock.nowMs, turnMs: 0 }) };
}

const OUTCOMES: readonly Outcome[] = [
  'succeeded',
  'failed',
  'timed_out',
  'client_left',
  'hedge_lost',
  'shed',
  'rejected',
];

const eventArbitrary = fc.record({
  afterMs: fc.oneof(fc.nat(5_000), fc.nat(30 * MINUTE_MS)),
  which: fc.nat(3),
  surface: fc.constantFrom('support', 'legal', 'none'),
  tier: fc.constantFrom('primary' as const, 'secondary' as const),
  requestClass: fc.constantFrom('simple', 'hard'),
  workload: fc.constantFrom('interactive' as const, 'background' as const),
  tenant: fc.option(fc.nat(8).map(String), { nil: undefined }),
  outcome: fc.constantFrom(...OUTCOMES),
  isServed: fc.boolean(),
});

/** What must add up. */
function countsOf(figures: KpiFigures): number[] {
  const { attempts, tokens } = figures;
  return [
    ...[figures.requests, figures.succeeded, figures.errors, figures.timeouts, figures.clientLeft],
    ...[figures.shed, figures.rejected, attempts.total, attempts.succeeded, attempts.errors],
    ...[attempts.timeouts, attempts.hedgeLost, tokens.promptTokens, tokens.completionTokens],
    ...[figures.latencyMs?.count ?? 0, attempts.latencyMs?.count ?? 0],
    Math.round(figures.costUsd * 1e6),
  ];
}

describe('KPIs of a window', () => {
  it('add up to the total over the rows of every dimension and every two, nothing twice', () => {
    fc.assert(
      fc.property(fc.array(eventArbitrary, { maxLength: 40 }), (events) => {
        const { bus, store, clock } = storeOf(3);
        let requests = 0;
        for (const { afterMs, which, isServed, tenant, ...event } of events) {
          if (clock.nowMs + afterMs - START_MS > 23 * 60 * MINUTE_MS) break;
          clock.nowMs += afterMs;
          const labels = {
            deployment: `p${which % 2}/m${which}`,
            model: `m${which}`,
            provider: `p${which % 2}`,
          };
          const shared = { ...event, ...(tenant === undefined ? {} : { tenant }) };
          bus.emit('attempt-ended', attempt({ ...labels, ...shared }));
          const servedBy = isServed ? { ...labels, tier: event.tier } : undefined;
          bus.emit('request-ended', request({ ...shared, servedBy }));
          requests += 1;
        }
        const dimensions: KpiRowDimension[][] = KPI_ROW_DIMENSIONS.flatMap((first) => [
          [first],
          ...KPI_ROW_DIMENSIONS.filter((second) => second !== first).map((second) => [first, second]),
        ]);
        for (const window of ['24h', 'start'] as const) {
          for (const by of dimensions) {
            const { total, rows } = store.query({ window, by });
            expect(total.requests).toBe(requests);
            const sums = rows
              .map(countsOf)
              .reduce((sum, row) => sum.map((value, index) => value + row[index]!), countsOf(total).fill(0));
            expect(sums).toEqual(countsOf(total));
            const names = rows.map((row) => by.map((each) => row[each]).join());
            expect(new Set(names).size).toBe(names.length);
          }
        }
        expect(store.query({ by: ['tenant'], window: 'start' }).rows.length).toBeLessThanOrEqual(3 + 2);
      }),
      { numRuns: 25 },
    );
  });

  it('tell of each minute what was in it', () => {
    const { bus, store, clock } = storeOf();
    const served = {
      deployment: 'openai/gpt-4',
      model: 'gpt-4',
      provider: 'openai',
      tier: 'primary' as const,
    };
    for (let minute = 0; minute < 90; minute += 1) {
      clock.nowMs = START_MS + minute * MINUTE_MS;
      bus.emit('attempt-ended', attempt({ costUsd: 0.5 }));
      bus.emit('request-ended', request({ servedBy: served, durationMs: 100 + minute }));
      bus.emit('request-ended', request({ outcome: 'failed', errorCode: 'all_attempts_failed' }));
    }
    const { rows, series, from, to, total } = store.query({ window: '1h', by: ['model'], step: '1m' });
    expect(rows.map(({ model, requests }) => [model, requests])).toEqual([
      ['gpt-4', 61],
      ['none', 61],
    ]);
    expect(total).toMatchObject({ errorRate: 0.5, costUsd: 30.5, costPerRequestUsd: 0.25 });
    expect(total.errorsByCode).toEqual({ all_attempts_failed: 61 });
    expect(rows[0]).toMatchObject({ requestShare: 0.5, costShare: 1, errorRate: 0 });
    expect(new Date(to).getTime() - new Date(from).getTime()).toBeLessThanOrEqual(61 * MINUTE_MS);
    const [first] = series!;
    expect(first?.model).toBe('gpt-4');
    expect(first?.points).toHaveLength(61);
    expect(first?.points.at(-1)).toMatchObject({
      requests: 1,
      errors: 0,
      costUsd: 0.5,
      tokens: 120,
      latencyMs: { count: 1, p50: 189, p95: 189 },
    });
    for (const point of first?.points ?? []) {
      expect(new Date(point.to).getTime() - new Date(point.from).getTime()).toBe(MINUTE_MS);
    }
    expect(store.query({ window: '5m', step: '10s' }).series?.[0]?.points).toHaveLength(6);
    expect(store.query({ window: '24h', step: '15m' }).series?.[0]?.points.length).toBeLessThanOrEqual(8);
  });

  it('count a long stream once, when it has ended, with all its time, tokens and cost', () => {
    const { bus, store, clock } = storeOf();
    const labels: RequestLabels = request();
    bus.emit('request-started', { ...labels, startedAtMs: START_MS });
    clock.nowMs += 25_000;
    expect(store.query({ window: '1m' }).total).toMatchObject({ requests: 0, inFlight: 1 });
    clock.nowMs += 5_000;
    bus.emit('attempt-ended', attempt({ durationMs: 29_990, timeToFirstTokenMs: 990 }));
    bus.emit('request-ended', request({ durationMs: 30_000 }));
    const { total } = store.query({ window: '1m' });
    expect(total).toMatchObject({ requests: 1, inFlight: 0, costUsd: 0.01 });
    expect(total.attempts.total).toBe(1);
    expect(total.latencyMs?.p50).toBe(30_000);
    // 29 s for the 19 tokens after the first.
    expect(total.attempts.timePerOutputTokenMs?.p50).toBeCloseTo(29_000 / 19, 1);
    expect(total.tokens).toMatchObject({ promptTokens: 100, completionTokens: 20 });
  });

  it('know what is under way and waits, of rows that it can be known of', () => {
    const { bus, store } = storeOf();
    const started = { ...attempt(), startedAtMs: 0 };
    bus.emit('request-started', request());
    bus.emit('request-started', request({ decisionId: 'dec_2', surface: 'legal' }));
    bus.emit('attempt-started', started);
    bus.emit('attempt-started', started);
    bus.emit('queue-changed', { deployment: 'openai/gpt-4', model: 'gpt-4', provider: 'openai', queued: 4 });
    bus.emit('attempt-ended', attempt());
    bus.emit('request-ended', request());
    const row = (by: KpiRowDimension[], where: object): unknown =>
      store
        .query({ by })
        .rows.find((each) =>
          Object.entries(where).every(([name, value]) => each[name as 'surface'] === value),
        );
    expect(store.query().total).toMatchObject({ inFlight: 1, queueDepth: 4 });
    expect(row(['model'], { model: 'gpt-4' })).toMatchObject({ inFlight: 1, queueDepth: 4 });
    expect(row(['provider', 'deployment'], { provider: 'openai' })).toMatchObject({
      inFlight: 1,
      queueDepth: 4,
    });
    expect(row(['surface'], { surface: 'support' })).toMatchObject({ inFlight: 0, queueDepth: null });
    expect(row(['class'], {})).toMatchObject({ inFlight: null, queueDepth: null });
  });

  it('know a request that ends under other labels than it began with as ended', () => {
    const { bus, store } = storeOf();
    for (let index = 0; index < 5; index += 1) {
      const decisionId = `dec_${index}`;
      bus.emit('request-started', request({ decisionId, workload: 'background', surface: 'reports' }));
      bus.emit('request-ended', request({ decisionId, workload: 'interactive', surface: 'support' }));
    }
    bus.emit('request-ended', request({ decisionId: 'never begun' }));
    expect(store.live.total().inFlight).toBe(0);
    bus.emit('request-started', request({ workload: 'background' }));
    expect(store.live.row(['workload'], { workload: 'background' }).inFlight).toBe(1);
    expect(store.live.row(['workload'], { workload: 'interactive' }).inFlight).toBe(0);
  });

  it('have the quality of answers under the tier that served, and none where nothing was looked at', () => {
    const { bus, store } = storeOf();
    const served = {
      deployment: 'openai/gpt-4',
      model: 'gpt-4',
      provider: 'openai',
      tier: 'secondary' as const,
    };
    bus.emit('request-ended', request({ servedBy: served }));
    expect(store.query().total.quality).toBeNull();
    const answer = { ...request(), ...served };
    bus.emit('answer-evaluated', { ...answer, score: 0.4, faults: ['refusal'] });
    bus.emit('feedback-given', { ...answer, score: 1 });
    const { rows } = store.query({ by: ['tier', 'model'] });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      tier: 'secondary',
      quality: { score: 0.7, evaluations: 1, feedback: 1, faults: { refusal: 1 } },
    });
  });

  it('have the second word on an answer and not the first, where that was said just now; since the start in any case', () => {
    const { bus, store, clock } = storeOf();
    const served = { deployment: 'openai/gpt-4', model: 'gpt-4', provider: 'openai' };
    const answer = { ...request(), ...served };
    bus.emit('feedback-given', { ...answer, score: 0 });
    const firstAtMs = clock.nowMs;
    clock.nowMs += 1_000;
    bus.emit('feedback-given', { ...answer, score: 0.9, replaces: { score: 0, atMs: firstAtMs } });
    expect(store.query({ window: '5m' }).total.quality).toMatchObject({ score: 0.9, feedback: 1 });
    const secondAtMs = clock.nowMs;
    clock.nowMs += 60_000;
    bus.emit('feedback-given', { ...answer, score: 0.3, replaces: { score: 0.9, atMs: secondAtMs } });
    expect(store.query({ window: 'start' }).total.quality).toMatchObject({ score: 0.3, feedback: 1 });
    expect(store.query({ window: '5m' }).total.quality).toMatchObject({ score: 0.6, feedback: 2 });
  });

  it('count off a first word only where it was counted, though its tier or the name of its tenant is forgotten', () => {
    const { bus, store, clock } = storeOf(1);
    const faults: unknown[] = [];
    store.onFault = (error) => faults.push(error);
    const served = {
      ...{ deployment: 'openai/gpt-4', model: 'gpt-4', provider: 'openai' },
      tier: 'primary' as const,
    };
    const say = (decisionId: string, score: number, first?: number): void => {
      const replaces = first === undefined ? {} : { replaces: { score: first, atMs: clock.nowMs } };
      bus.emit('feedback-given', { ...request({ decisionId, tenant: 'a' }), ...served, score, ...replaces });
    };
    bus.emit('request-ended', request({ decisionId: 'A', tenant: 'a', servedBy: served }));
    say('A', 1);
    for (let index = 0; index < 1_100; index += 1) {
      bus.emit('request-ended', request({ decisionId: `x${index}`, tenant: 'b', servedBy: served }));
    }
    say('old', 0);
    say('A', 0, 1);
    clock.nowMs += 10_000;
    say('A', 0.5, 0);
    say('A', 0.25, 0.5);
    for (const [window, score, feedback] of [
      // In the windows there are the words of two slices.
      ['5m', 0.0833, 3],
      ['start', 0.125, 2],
    ] as const) {
      expect(store.query({ window }).total.quality, window).toMatchObject({ score, feedback });
      for (const { quality } of store.query({ window, by: ['tier', 'tenant'] }).rows) {
        expect(quality?.score ?? 0).toBeGreaterThanOrEqual(0);
      }
    }
    clock.nowMs += 10_000;
    expect(store.query({ window: '5m' }).total).toMatchObject({ requests: 1_101 });
    expect(faults).toEqual([]);
  });

  it('have tenants without bound under other, with what one that lost its name had', () => {
    const { bus, store } = storeOf(2);
    for (let index = 0; index < 5_000; index += 1) {
      const tenant = index % 3 === 0 ? 'big' : index % 50 === 1 ? 'steady' : `tenant-${index}`;
      bus.emit('attempt-ended', attempt({ tenant }));
      bus.emit('request-ended', request({ tenant }));
    }
    for (const window of ['5m', 'start'] as const) {
      const { rows, total } = store.query({ window, by: ['tenant'] });
      expect(rows.map(({ tenant }) => tenant).sort()).toEqual(['big', 'other', 'steady'].sort());
      expect(rows.find(({ tenant }) => tenant === 'big')?.requests).toBe(Math.ceil(5_000 / 3));
      expect(total.requests).toBe(5_000);
    }
    expect(store.size.cells).toBeLessThan(10);
  });

  it('give what a tenant had to the others when it loses its name', () => {
    const { bus, store } = storeOf(2);
    for (const tenant of ['a', 'a', 'b', 'c']) bus.emit('request-ended', request({ tenant }));
    store.follow({ tenants: 1 });
    for (const window of ['5m', 'start'] as const) {
      const { rows } = store.query({ window, by: ['tenant'] });
      expect(rows.map(({ tenant, requests }) => [tenant, requests])).toEqual(
        expect.arrayContaining([
          ['a', 2],
          ['other', 2],
        ]),
      );
      expect(rows).toHaveLength(2);
    }
  });

  it('are reckoned once for whoever asks the same again soon, where there is much to add up, and say of when they are', () => {
    const { bus, store, clock } = storeOf();
    const surfaces = Array.from({ length: 500 }, (_, index) => `s${index}`);
    for (let minute = 0; minute < 30; minute += 1) {
      for (const surface of surfaces) bus.emit('request-ended', request({ surface }));
      clock.nowMs += MINUTE_MS;
    }
    const asked = (query: KpiQuery): [number, string] => {
      const { total, to } = store.query(query);
      return [total.requests, to];
    };
    const isoNow = (): string => new Date(clock.nowMs).toISOString();
    for (const [window, ageMs] of [
      ['1h', 5_000],
      ['24h', 30_000],
    ] as const) {
      const first = asked({ window });
      expect(first[1]).toBe(isoNow());
      bus.emit('request-ended', request());
      clock.nowMs += ageMs - 1;
      expect(asked({ window })).toEqual(first);
      // Another question is another answer.
      expect(asked({ window, by: ['model'] })).toEqual([first[0] + 1, isoNow()]);
      clock.nowMs += 1;
      expect(asked({ window })).toEqual([first[0] + 1, isoNow()]);
      clock.nowMs -= 1;
      expect(asked({ window })).toEqual([first[0] + 1, isoNow()]);
    }
    // What is quick to reckon is of now.
    const [before] = asked({ window: '1m' });
    bus.emit('request-ended', request());
    expect(asked({ window: '1m' })).toEqual([before + 1, isoNow()]);
  });

  it('are the same in turns, in which others are served; and whoever asks meanwhile gets the same answer', async () => {
    const { bus, store, clock } = storeOf();
    const surfaces = Array.from({ length: 1_500 }, (_, index) => `surface ${index}`);
    for (let minute = 0; minute < 20; minute += 1) {
      for (const surface of surfaces)
        bus.emit('request-ended', request({ surface, durationMs: 100 + minute }));
      clock.nowMs += MINUTE_MS;
    }
    for (const query of [{ window: '24h', by: ['surface', 'model'] }, { window: 'start' }] as const) {
      store.follow({ tenants: 20 });
      const now = store.query(query);
      store.follow({ tenants: 20 });
      let turns = 0;
      let isWaiting = true;
      const others = (): void => {
        if (!isWaiting) return;
        turns += 1;
        setImmediate(others);
      };
      setImmediate(others);
      const answers = await Promise.all([store.queryInTurns(query), store.queryInTurns(query)]);
      isWaiting = false;
      expect(answers[0]).toBe(answers[1]);
      expect(answers[0]).toEqual(now);
      expect(turns).toBeGreaterThan(1);
      expect(store.query(query)).toBe(answers[0]);
    }
    // What is recorded meanwhile is of another time, and what is reckoned under another configuration is not kept.
    store.follow({ tenants: 20 });
    const before = store.query({ window: '24h' }).total.requests;
    store.follow({ tenants: 20 });
    const answer = store.queryInTurns({ window: '24h' });
    // It has had its first turn.
    await new Promise((resolve) => setImmediate(resolve));
    clock.nowMs += MINUTE_MS;
    bus.emit('request-ended', request());
    store.follow({ tenants: 20 });
    expect((await answer).total.requests).toBe(before);
    expect(store.query({ window: '24h' }).total.requests).toBe(before + 1);
    await expect(store.queryInTurns({ window: '2h' } as object)).rejects.toThrow(InvalidRequestError);
  });

  it('count nothing twice where a tenant loses its name while they are reckoned', async () => {
    const { bus, store, clock } = storeOf(2);
    for (let index = 0; index < 1_000; index += 1) {
      for (const tenant of ['a', 'a', 'b']) {
        bus.emit('request-ended', request({ tenant, surface: `surface ${index % 100}`, durationMs: index }));
      }
      if (index % 100 === 99) clock.nowMs += MINUTE_MS;
    }
    for (const tenants of [1, 0]) {
      const answer = store.queryInTurns({ window: '1h', by: ['tenant'] });
      // Between two of its turns.
      setImmediate(() => {
        store.follow({ tenants });
      });
      const { total, rows } = await answer;
      expect(total.requests).toBe(3_000);
      expect(rows.map(({ tenant, requests }) => [tenant, requests])).toEqual(
        tenants === 1
          ? [
              ['a', 2_000],
              ['other', 1_000],
            ]
          : [['other', 3_000]],
      );
    }
  });

  it('refuse a question they cannot answer, and say what may be asked', () => {
    const { store } = storeOf();
    const refusals: [unknown, RegExp][] = [
      [{ window: '2h' }, /`window` must be one of 1m, 5m, 1h, 24h, start/],
      [{ window: 'constructor' }, /`window` must be one of/],
      [{ by: ['surface', 'model', 'tier'] }, /at most 2 different ones of surface, provider, model/],
      [{ by: ['surface', 'surface'] }, /at most 2 different/],
      [{ by: ['handler'] }, /at most 2 different/],
      [{ step: '2m' }, /`step` must be one of 10s, 1m, 15m/],
      [{ window: '1h', step: '10s' }, /The window 1h takes `step` 1m or 15m/],
      [{ window: '1m', step: '15m' }, /The window 1m takes `step` 10s or 1m/],
      [{ window: 'start', step: '15m' }, /The window start has no series/],
      [{ window: '1h', step: '1m', by: ['surface', 'model'] }, /`by` takes one dimension/],
    ];
    for (const [query, message] of refusals) {
      expect(() => store.query(query as KpiQuery), JSON.stringify(query)).toThrow(message);
      expect(() => store.query(query as KpiQuery)).toThrow(InvalidRequestError);
    }
    const read = (by: unknown): unknown => readKpiQuery({ window: '5m', by, step: undefined }).by;
    expect(read('surface, model')).toEqual(['surface', 'model']);
    expect(read(undefined)).toEqual([]);
    for (const by of ['', 'surface,', ['surface', 7], { a: 'surface' }])
      expect(() => read(by)).toThrow(/`by` must/);
  });
});
