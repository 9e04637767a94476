import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_USAGE } from '../chat/index.js';
import { BackgroundOptions } from '../config/index.js';
import { BudgetExceededError } from '../errors/budget-exceeded-error.js';
import { DeadlineExceededError } from '../errors/deadline-exceeded-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import type { InternalCallOptions, RoutedAnswer } from '../pipeline/index.js';
import {
  type PolicyDeployment,
  type PolicyPeakHours,
  type PolicySnapshot,
  UNKNOWN_SIGNALS,
} from '../planning/index.js';
import { type RequestRecord, TelemetryBus } from '../telemetry/index.js';
import { BackgroundLane } from './background-lane.js';

const START = Date.parse('2026-11-30T17:30:00Z');
const HOUR_MS = 3_600_000;
const OFFICE: PolicyPeakHours = {
  timezone: 'UTC',
  days: new Set([1, 2, 3, 4, 5]),
  fromMinute: 9 * 60,
  toMinute: 18 * 60,
  inPeak: { interactive: 'best', background: 'cheapest' },
  offPeak: { interactive: 'balanced', background: 'balanced' },
};
const ANSWER = { completion: {}, routing: {} } as RoutedAnswer;

interface Run {
  readonly body: unknown;
  readonly options: InternalCallOptions;
  readonly atMs: number;
  readonly finish: (error?: Error) => void;
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  return () => {
    vi.useRealTimers();
  };
});

class Stage {
  readonly bus = new TelemetryBus();
  readonly options = Object.assign(new BackgroundOptions(), { maxConcurrency: 2 });
  readonly runs: Run[] = [];
  readonly refused: unknown[] = [];
  peakHours: PolicyPeakHours | undefined;
  p95LatencyMs: number | undefined = 10_000;
  inFlight = 0;
  open = 0;
  mostOpen = 0;
  maxConcurrency: number | undefined;
  readonly lane: BackgroundLane;

  constructor(autoMs?: () => number) {
    this.lane = new BackgroundLane({
      bus: this.bus,
      signals: {
        of: () => ({ ...UNKNOWN_SIGNALS, p95LatencyMs: this.p95LatencyMs, inFlight: this.inFlight }),
      },
      policy: () => ({ peakHours: this.peakHours, execution: {} }) as PolicySnapshot,
      options: () => this.options,
      preview: (body) => [
        {
          id: (body as { model?: string }).model ?? 'a',
          maxConcurrency: this.maxConcurrency,
        } as PolicyDeployment,
      ],
      refuse: (error) => {
        this.refused.push(error);
        return error as LlmRouterError;
      },
      run: (body, options) =>
        new Promise((resolve, reject) => {
          this.open += 1;
          this.mostOpen = Math.max(this.mostOpen, this.open);
          let isOver = false;
          const finish = (error?: Error): void => {
            if (isOver) return;
            isOver = true;
            this.open -= 1;
            if (error === undefined) resolve(ANSWER);
            else reject(error);
          };
          this.runs.push({ body, options, atMs: Date.now(), finish });
          options.signal?.addEventListener('abort', () => {
            finish(new Error('left'));
          });
          if (autoMs === undefined) return;
          const deadlineMs = options.deadlineMs ?? 0;
          setTimeout(finish, autoMs());
          setTimeout(() => {
            finish(new DeadlineExceededError(deadlineMs, 1));
          }, deadlineMs);
        }),
    });
  }

  /** A call of somebody has ended. */
  ring(): void {
    this.bus.emit('queue-changed', { deployment: 'a', model: 'a', provider: 'p', queued: 0 });
  }
}

describe('BackgroundLane', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  afterEach(() => {
    stage.lane.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  const enqueue = (deadlineMs?: number, body: object = {}): Promise<unknown> =>
    stage.lane.enqueue(body, deadlineMs === undefined ? {} : { deadlineMs }).catch((error: unknown) => error);

  it('waits for the end of the peak by one timer', async () => {
    stage.peakHours = OFFICE;
    void enqueue(8 * HOUR_MS);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(HOUR_MS / 2 - 1);
    expect(stage.runs).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.runs).toHaveLength(1);
    expect(stage.runs[0]?.options).toMatchObject({
      workload: 'background',
      cheapestFirst: true,
      deadlineMs: 600_000,
    });
    stage.runs[0]?.finish();
  });

  it('looks no more often than events and time call for', async () => {
    stage.peakHours = OFFICE;
    let asked = 0;
    const { signal } = new AbortController();
    void enqueue(8 * HOUR_MS);
    Object.defineProperty(stage, 'inFlight', {
      get: () => {
        asked += 1;
        return 0;
      },
    });
    await vi.advanceTimersByTimeAsync(HOUR_MS / 4);
    expect(asked).toBe(0);
    for (let ring = 0; ring < 1_000; ring += 1) stage.ring();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toBeLessThan(10);
    expect(signal.aborted).toBe(false);
  });

  it('begins so early that what usually takes long is answered in time, the nearest deadline first', async () => {
    stage.peakHours = { ...OFFICE, toMinute: 1_440 };
    void enqueue(20 * 60_000, { name: 'later' });
    void enqueue(10 * 60_000, { name: 'sooner' });
    await vi.advanceTimersByTimeAsync(10 * 60_000 - 21_000 - 1);
    expect(stage.runs).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.runs.map(({ body }) => body)).toEqual([{ name: 'sooner' }]);
    expect(stage.runs[0]?.options.deadlineMs).toBe(21_000);
  });

  it('begins to work a heap off before the last of it is late', async () => {
    stage = new Stage(() => 10_000);
    stage.peakHours = { ...OFFICE, toMinute: 1_440 };
    const answers = Array.from({ length: 40 }, () => enqueue(20 * 60_000));
    await vi.advanceTimersByTimeAsync(20 * 60_000);
    expect(await Promise.all(answers)).toEqual(Array(40).fill(ANSWER));
    expect(stage.mostOpen).toBe(2);
    expect(stage.runs[0]?.atMs).toBeLessThan(START + 20 * 60_000 - 19 * 10_000 - 21_000 + 1);
  });

  it('tries again what found no room, as long as there is time', async () => {
    const answer = enqueue(60_000);
    stage.runs[0]?.finish(new OverloadedError('full', 5_000));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(stage.runs).toHaveLength(1);
    expect(stage.lane.report()).toMatchObject({ queued: 1, running: 0 });
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.runs).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(35_000);
    // Twenty seconds are left, and an answer usually takes ten.
    stage.runs[1]?.finish(new OverloadedError('full', 5_000));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stage.runs).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(8_000);
    const refusal = new OverloadedError('full', 5_000);
    stage.runs[2]?.finish(refusal);
    expect(await answer).toBe(refusal);
  });

  it('tries again in little time too, each time in half of it', async () => {
    stage.p95LatencyMs = undefined;
    const answer = enqueue(10_000);
    for (let run = 0; run < 20; run += 1) {
      stage.runs.at(-1)?.finish(new OverloadedError('full', 1_000));
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(await answer).toBeInstanceOf(OverloadedError);
    // The last one with two seconds left, of which one is for the answer.
    const tried = stage.runs.map(({ atMs }) => atMs - START);
    expect(tried.length).toBeGreaterThanOrEqual(4);
    expect(tried.length).toBeLessThanOrEqual(10);
    expect(tried.at(-1)).toBeGreaterThanOrEqual(5_000);
    expect(tried.at(-1)).toBeLessThan(10_000);
  });

  it('does not try all that wait, one after the other, where the first found no room', async () => {
    const answers = Array.from({ length: 500 }, () => enqueue(HOUR_MS));
    const refuseAll = (): void => {
      for (const { finish } of stage.runs) finish(new OverloadedError('full', 1_000));
    };
    for (let ms = 0; ms < 10_000; ms += 50) {
      refuseAll();
      await vi.advanceTimersByTimeAsync(50);
    }
    refuseAll();
    await vi.advanceTimersByTimeAsync(0);
    expect(stage.lane.report()).toMatchObject({ queued: 500, running: 0 });
    // Two at once, after one second, two and four.
    expect(stage.runs).toHaveLength(8);
    stage.lane.close();
    await Promise.all(answers);
  });

  it('lets others have their turn where one is refused each time', async () => {
    stage.options.maxConcurrency = 1;
    const barred = enqueue(HOUR_MS, { name: 'barred' });
    const others = Array.from({ length: 5 }, () => enqueue(2 * HOUR_MS, { name: 'other' }));
    for (let second = 0; second < 100; second += 1) {
      for (const { body, finish } of [...stage.runs]) {
        const isBarred = (body as { name: string }).name === 'barred';
        finish(isBarred ? new OverloadedError('of this key', 1_000) : undefined);
        await vi.advanceTimersByTimeAsync(0);
      }
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(await Promise.all(others)).toEqual(Array(5).fill(ANSWER));
    stage.lane.close();
    await barred;
  });

  it('tries those of a heap with one deadline again that found no room, while there is time', async () => {
    // The provider has room for four; whoever comes beside them is refused at once.
    const room = 4;
    stage.p95LatencyMs = 2_000;
    stage.options.maxConcurrency = 20;
    stage.peakHours = { ...OFFICE, toMinute: 1_440 };
    const answers = Array.from({ length: 16 }, () => enqueue(20_000));
    // In the peak, nothing is known of a capacity: all come at once, five seconds before the deadline.
    let seen = 0;
    let busy = 0;
    for (let ms = 0; ms < 26_000; ms += 50) {
      for (; seen < stage.runs.length; seen += 1) {
        const run = stage.runs[seen];
        if (busy >= room) run?.finish(new OverloadedError('full', 1_000));
        else {
          busy += 1;
          setTimeout(() => {
            busy -= 1;
            run?.finish();
          }, 2_000);
        }
      }
      await vi.advanceTimersByTimeAsync(50);
    }
    const ends = await Promise.all(answers);
    expect(ends.filter((end) => end === ANSWER).length).toBeGreaterThanOrEqual(8);
    expect(stage.runs.length).toBeLessThan(60);
  });

  it('is one request however often it is tried: told of once, when nothing follows', async () => {
    const told: string[] = [];
    const ended = (outcome: string, attempts: number): RequestRecord =>
      ({ outcome, attempts, usage: NO_USAGE, costUsd: attempts }) as RequestRecord;
    const answer = enqueue(60_000);
    const tries = stage.runs[0]?.options.tries;
    tries?.begin();
    tries?.end(ended('shed', 2), () => told.push('first'));
    stage.runs[0]?.finish(new OverloadedError('full', 5_000));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toEqual([]);
    expect(stage.runs[1]?.options.tries).toBe(tries);
    expect(tries).toMatchObject({ attempts: 2, costUsd: 2 });
    tries?.begin();
    tries?.end(ended('failed', 3), () => told.push('second'));
    const fault = new DeadlineExceededError(1, 1);
    stage.runs[1]?.finish(fault);
    expect(await answer).toBe(fault);
    expect(told).toEqual(['second']);
  });

  it('loses none of those that came while another was under way', async () => {
    stage.options.maxConcurrency = 1;
    const answers = [enqueue(), enqueue()];
    expect(stage.runs).toHaveLength(1);
    stage.runs[0]?.finish(new OverloadedError('full', 2_000));
    await vi.advanceTimersByTimeAsync(1_999);
    // There is no room for the other one either.
    expect(stage.lane.report()).toMatchObject({ queued: 2, running: 0 });
    await vi.advanceTimersByTimeAsync(1);
    stage.runs[1]?.finish();
    await vi.advanceTimersByTimeAsync(0);
    stage.runs[2]?.finish();
    expect(await Promise.all(answers)).toEqual([ANSWER, ANSWER]);
  });

  it('goes by the capacity that its models have now', () => {
    stage.peakHours = OFFICE;
    void enqueue();
    expect(stage.runs).toHaveLength(0);
    stage.maxConcurrency = 10;
    void enqueue();
    expect(stage.runs).toHaveLength(2);
  });

  it('waits for the day a spent budget begins anew', async () => {
    const answer = enqueue(24 * HOUR_MS);
    const resetsAtMs = Date.parse('2026-12-01T00:00:00Z');
    stage.runs[0]?.finish(new BudgetExceededError({ scope: 'tenant', per: 'day', resetsAtMs }));
    await vi.advanceTimersByTimeAsync(resetsAtMs - START - 1);
    expect(stage.runs).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    stage.runs[1]?.finish();
    expect(await answer).toBe(ANSWER);
  });

  it('gives what failed otherwise to its caller', async () => {
    const fault = new DeadlineExceededError(1, 1);
    const answer = enqueue();
    stage.runs[0]?.finish(fault);
    expect(await answer).toBe(fault);
    expect(stage.lane.report()).toMatchObject({ queued: 0, running: 0 });
  });

  it('reports the oldest and the most urgent', async () => {
    stage.peakHours = OFFICE;
    void enqueue(3 * HOUR_MS);
    await vi.advanceTimersByTimeAsync(60_000);
    void enqueue(2 * HOUR_MS);
    expect(stage.lane.report()).toEqual({
      queued: 2,
      running: 0,
      queuedBytes: 4,
      oldestAgeMs: 60_000,
      nextDeadline: '2026-11-30T19:31:00.000Z',
      waitsFor: 'off_peak',
    });
  });

  it('does not let one that no model can take now stand before others', () => {
    stage.maxConcurrency = 10;
    stage.inFlight = 10;
    stage.options.backgroundShare = 0;
    void enqueue(undefined, { model: 'busy' });
    stage.inFlight = 0;
    void enqueue(undefined, { model: 'free' });
    // What is free now is so for both; but the first waits to be looked at no longer than the second.
    expect(stage.runs.map(({ body }) => body)).toEqual([{ model: 'busy' }, { model: 'free' }]);
  });

  it('ends every request once, in time where it can be, and never runs more at once than it may', async () => {
    const enqueued = fc.record({
      afterMs: fc.integer({ min: 0, max: 120_000 }),
      deadlineMs: fc.integer({ min: 60_000, max: 3 * HOUR_MS }),
      model: fc.constantFrom('a', 'b', 'c'),
      leavesAfterMs: fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(enqueued, { maxLength: 30 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        async (requests, isPeak, maxConcurrency) => {
          const busy = new Stage(() => 2_000);
          busy.p95LatencyMs = 2_000;
          busy.options.maxConcurrency = maxConcurrency;
          if (isPeak)
            busy.peakHours = {
              ...OFFICE,
              days: new Set([0, 1, 2, 3, 4, 5, 6]),
              fromMinute: 0,
              toMinute: 1_440,
            };
          const ends: { late: boolean; isAnswer: boolean }[] = [];
          let left = 0;
          for (const { afterMs, deadlineMs, model, leavesAfterMs } of requests) {
            await vi.advanceTimersByTimeAsync(afterMs);
            const leaving = new AbortController();
            if (leavesAfterMs !== undefined)
              setTimeout(() => {
                leaving.abort();
                left += 1;
              }, leavesAfterMs);
            const dueAtMs = Date.now() + deadlineMs;
            void busy.lane.enqueue({ model }, { deadlineMs, signal: leaving.signal }).then(
              () => ends.push({ late: Date.now() > dueAtMs, isAnswer: true }),
              () => ends.push({ late: Date.now() > dueAtMs, isAnswer: false }),
            );
          }
          await vi.advanceTimersByTimeAsync(3 * HOUR_MS + 1);
          expect(ends).toHaveLength(requests.length);
          expect(ends.every(({ late }) => !late)).toBe(true);
          expect(ends.filter(({ isAnswer }) => !isAnswer).length).toBeLessThanOrEqual(left);
          expect(busy.mostOpen).toBeLessThanOrEqual(isPeak ? 30 : maxConcurrency);
          expect(busy.lane.report()).toMatchObject({ queued: 0, running: 0, queuedBytes: 0 });
          busy.lane.close();
          vi.clearAllTimers();
        },
      ),
      { numRuns: 60 },
    );
  });
});
