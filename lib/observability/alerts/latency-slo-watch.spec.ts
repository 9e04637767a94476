import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertsOptions } from '../../config/index.js';
import { readAlertSettings } from './alert-settings.js';
import { LatencySloWatch } from './latency-slo-watch.js';
import { lowerBound } from './wilson-bound.js';

const SETTINGS = readAlertSettings(Object.assign(new AlertsOptions(), { minRequests: 1, windowMs: 10_000 }));

describe('LatencySloWatch', () => {
  it('gives the 95th percentile to 10 %, and is over the SLO exactly where more than 5 % are', () => {
    const latencies = fc.array(fc.double({ min: 20, max: 200_000, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(latencies, fc.integer({ min: 500, max: 5_000 }), (values, sloMs) => {
        const watch = new LatencySloWatch({ surface: 's' }, sloMs, 0.95, () => SETTINGS);
        for (const value of values) watch.add(0, value);
        const { requests, state, value } = watch.look(0, false);
        const badShare = values.filter((latency) => latency > sloMs).length / values.length;
        expect(requests).toBe(values.length);
        // As sure as it wants to be, it goes by the exact share.
        if (badShare <= 0.05) expect(state).not.toMatch(/warning|critical/);
        if (lowerBound(badShare, requests, SETTINGS.z) > 0.05 && requests >= 5) {
          expect(state).toMatch(/warning|critical/);
        }
        const sorted = values.toSorted((first, second) => first - second);
        const exact = sorted[Math.ceil(0.95 * values.length - 1e-9) - 1] ?? 0;
        if (exact < sloMs * 100 && exact > sloMs / 40) {
          expect(value / exact).toBeGreaterThan(1 / 1.1001);
          expect(value / exact).toBeLessThan(1.1001);
        }
        expect(value > sloMs * (1 + 1e-9)).toBe(badShare > 1 - 0.95);
      }),
    );
  });

  it.each([0, 0.001, 1e9])('takes a latency of %d ms', (latencyMs) => {
    const watch = new LatencySloWatch({ surface: 's' }, 1_500, 0.95, () => SETTINGS);
    watch.add(0, latencyMs);
    expect(watch.look(0, false).requests).toBe(1);
  });
});
