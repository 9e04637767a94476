import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KpiCell } from './kpi-cell.js';
import { attempt, keyOf, latencies, request } from './kpi-records.spec-support.js';
import { BadKpiSliceError } from './kpi-slice.js';
import { KpiTimeline } from './kpi-timeline.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 1_700_000_000_000;

const A = keyOf('a');

function sumOf(timeline: KpiTimeline, fromMs: number, nowMs: number): KpiCell {
  const sum = new KpiCell();
  for (const stretch of timeline.since(fromMs, nowMs)) stretch.addTo(() => sum);
  return sum;
}

describe('KpiTimeline', () => {
  it('sums up to one cell of all, whatever has been packed and joined', () => {
    const keys = ['a', 'b', 'c'].map(keyOf);
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            afterMs: fc.oneof(fc.nat(20_000), fc.nat(40 * MINUTE_MS)),
            which: fc.nat(2),
            durationMs: fc.double({ min: 0.01, max: 100_000, noNaN: true }),
            costUsd: fc.double({ min: 0, max: 1, noNaN: true }),
            tokens: fc.nat(1_000_000_000),
          }),
          { maxLength: 60 },
        ),
        (events) => {
          const timeline = new KpiTimeline();
          const whole = new KpiCell();
          let nowMs = START_MS;
          for (const { afterMs, which, durationMs, costUsd, tokens } of events) {
            if (nowMs + afterMs - START_MS > DAY_MS - 15 * MINUTE_MS) break;
            nowMs += afterMs;
            const usage = {
              promptTokens: tokens,
              completionTokens: 7,
              cachedTokens: 0,
              cacheWriteTokens: 0,
              reasoningTokens: 0,
            };
            const record = attempt({ durationMs, timeToFirstTokenMs: durationMs / 3, costUsd, usage });
            const failed = attempt({ outcome: 'failed', errorKind: 'server_error' });
            for (const cell of [timeline.cell(keys[which]!, nowMs), whole]) {
              cell.addAttempt(record);
              cell.addAttempt(failed);
              cell.addRequest(request({ durationMs, fellBack: true }));
            }
          }
          const sum = sumOf(timeline, nowMs - DAY_MS, nowMs);
          expect(sum.counts).toEqual(expect.arrayContaining(whole.counts));
          expect(sum.costUsd.value).toBeCloseTo(whole.costUsd.value, 9);
          for (const [index, histogram] of whole.histograms.entries()) {
            expect([...(sum.histograms[index]?.buckets() ?? [])]).toEqual([...(histogram?.buckets() ?? [])]);
          }
        },
      ),
    );
  });

  it('forgets what is older than a window, by at most one slice', () => {
    for (const [windowMs, sliceMs] of [
      [MINUTE_MS, 10_000],
      [5 * MINUTE_MS, 10_000],
      [HOUR_MS, MINUTE_MS],
      [DAY_MS, 15 * MINUTE_MS],
    ] as const) {
      const timeline = new KpiTimeline();
      timeline.cell(A, START_MS).addAttempt(attempt());
      const seen = (nowMs: number): number => sumOf(timeline, nowMs - windowMs, nowMs).allAttempts;
      expect(seen(START_MS + windowMs - 1), `${windowMs}`).toBe(1);
      expect(seen(START_MS + windowMs + sliceMs), `${windowMs}`).toBe(0);
    }
  });

  it('has no slice of a time without traffic, few of a long one, and none after a day of silence', () => {
    const timeline = new KpiTimeline();
    let nowMs = START_MS;
    for (; nowMs < START_MS + DAY_MS; nowMs += 5_000) timeline.cell(A, nowMs).addAttempt(attempt());
    expect(timeline.slices).toBeLessThan(96 + 75 + 36);
    expect(sumOf(timeline, nowMs - HOUR_MS, nowMs).allAttempts).toBe(3_600 / 5 + (nowMs % MINUTE_MS) / 5_000);
    timeline.cell(A, nowMs + 2 * DAY_MS);
    expect(timeline.slices).toBe(0);
    expect(timeline.bytes).toBe(0);
  });

  it('stays within its memory by joining what is oldest, and loses no count', () => {
    const timeline = new KpiTimeline(20_000);
    const values = latencies(20_000);
    let nowMs = START_MS;
    for (const durationMs of values) {
      nowMs += 4_000;
      timeline.cell(A, nowMs).addAttempt(attempt({ durationMs, timeToFirstTokenMs: undefined }));
    }
    expect(timeline.bytes).toBeLessThan(20_000);
    expect(sumOf(timeline, nowMs - DAY_MS, nowMs).allAttempts).toBe(20_000);
  });

  it('goes on where the clock is set back a little, and begins anew where it is set back far', () => {
    const timeline = new KpiTimeline();
    timeline.cell(A, START_MS).addAttempt(attempt());
    timeline.cell(A, START_MS - 30_000).addAttempt(attempt());
    expect(sumOf(timeline, START_MS - HOUR_MS, START_MS).allAttempts).toBe(2);
    timeline.cell(A, START_MS - HOUR_MS).addAttempt(attempt());
    expect(sumOf(timeline, 0, START_MS - HOUR_MS).allAttempts).toBe(1);
  });

  it('drops a slice that cannot be read, says so, and reads on', () => {
    const lost: unknown[] = [];
    const timeline = new KpiTimeline(undefined, (error) => lost.push(error));
    // No count stands there, so it cannot be read back.
    timeline.cell(A, START_MS).count(1_000_000);
    let nowMs = START_MS + MINUTE_MS;
    timeline.cell(A, nowMs).addAttempt(attempt());
    nowMs += 10_000;
    expect(() => sumOf(timeline, nowMs - HOUR_MS, nowMs)).toThrow(BadKpiSliceError);
    expect(sumOf(timeline, nowMs - HOUR_MS, nowMs).allAttempts).toBe(1);
    expect(lost).toHaveLength(1);
    // Where nobody asks, it is found when it is joined.
    timeline.cell(A, nowMs).count(1_000_000);
    for (; nowMs < START_MS + 2 * HOUR_MS; nowMs += 10_000) timeline.cell(A, nowMs).addAttempt(attempt());
    expect(lost).toHaveLength(2);
    expect(sumOf(timeline, nowMs - DAY_MS, nowMs).allAttempts).toBe((2 * HOUR_MS - MINUTE_MS) / 10_000 - 1);
  });
});
