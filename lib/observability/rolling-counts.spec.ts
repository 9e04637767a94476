import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertsOptions } from '../config/index.js';
import { readAlertSettings } from './alerts/alert-settings.js';
import { LatencySloWatch } from './alerts/latency-slo-watch.js';
import { RollingCounts } from './rolling-counts.js';

const WINDOW_MS = 10_000;
const SLICE_MS = 1_000;

describe('RollingCounts', () => {
  it('holds what is in the last ten slices, whatever the gaps', () => {
    const gaps = fc.array(fc.record({ gapMs: fc.nat(25_000), column: fc.nat(2) }), { maxLength: 80 });
    fc.assert(
      fc.property(gaps, fc.nat(1e9), (added, startMs) => {
        const counts = new RollingCounts(WINDOW_MS, 3);
        const samples: { slice: number; column: number }[] = [];
        let nowMs = startMs;
        for (const { gapMs, column } of added) {
          nowMs += gapMs;
          counts.add(nowMs, column);
          const slice = Math.floor(nowMs / SLICE_MS);
          samples.push({ slice, column });
          const inWindow = samples.filter((sample) => sample.slice > slice - 10);
          expect([...counts.read(nowMs)]).toEqual(
            [0, 1, 2].map((wanted) => inWindow.filter((sample) => sample.column === wanted).length),
          );
        }
      }),
    );
  });

  it('is empty after a whole window of silence', () => {
    const counts = new RollingCounts(WINDOW_MS, 1);
    counts.add(0, 0);
    expect(counts.read(9_999)[0]).toBe(1);
    expect(counts.read(10_000)[0]).toBe(0);
  });

  it('survives a clock that is set back', () => {
    const counts = new RollingCounts(WINDOW_MS, 1);
    counts.add(100_000, 0);
    counts.add(97_000, 0);
    expect(counts.read(97_000)[0]).toBe(2);
    counts.add(50_000, 0);
    expect(counts.read(50_000)[0]).toBe(1);
    expect(counts.read(60_000)[0]).toBe(0);
  });
});

describe('LatencySloWatch', () => {
  it('gives the 95th percentile to 10 %, and is over the SLO exactly where more than 5 % are', () => {
    const latencies = fc.array(fc.double({ min: 20, max: 200_000, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(latencies, fc.integer({ min: 500, max: 5_000 }), (values, sloMs) => {
        const watch = new LatencySloWatch({ surface: 's' }, sloMs, WINDOW_MS);
        for (const value of values) watch.add(0, value);
        const { requests, badShare, value } = watch.read(0);
        expect(requests).toBe(values.length);
        expect(badShare).toBe(values.filter((latency) => latency > sloMs).length / values.length);
        const sorted = values.toSorted((first, second) => first - second);
        const exact = sorted[Math.ceil(0.95 * values.length - 1e-9) - 1] ?? 0;
        if (exact < sloMs * 100 && exact > sloMs / 40) {
          expect(value / exact).toBeGreaterThan(1 / 1.1001);
          expect(value / exact).toBeLessThan(1.1001);
        }
        expect(value > sloMs * (1 + 1e-9)).toBe(badShare > watch.limitShare);
      }),
    );
  });

  it.each([0, 0.001, 1e9])('takes a latency of %d ms', (latencyMs) => {
    const watch = new LatencySloWatch({ surface: 's' }, 1_500, WINDOW_MS);
    watch.add(0, latencyMs);
    expect(watch.read(0).requests).toBe(1);
  });
});
