import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeploymentWindow } from './deployment-window.js';

const CAPACITY = 64;
const WINDOW_MS = 30_000;

const sample = fc.record({
  atMs: fc.nat(60_000),
  isError: fc.boolean(),
  timeToFirstTokenMs: fc.option(fc.nat(5_000), { nil: undefined }),
  latencyMs: fc.option(fc.nat(5_000), { nil: undefined }),
});

/** The lower of two middle values. */
function median(values: readonly number[]): number | undefined {
  return [...values].sort((first, second) => first - second)[Math.floor((values.length - 1) / 2)];
}

describe('DeploymentWindow', () => {
  it('is empty at first', () => {
    expect(new DeploymentWindow().summarise(0, [])).toEqual({
      samples: 0,
      errorRate: 0,
      timeToFirstTokenMs: undefined,
      firstTokenSamples: 0,
      latencyMs: undefined,
      latencySamples: 0,
      usualFirstTokenSamples: 0,
      usualLatencySamples: 0,
      recentP95TimeToFirstTokenMs: [],
      recentP95LatencyMs: [],
      firstTokenByInput: undefined,
      durationByOutput: undefined,
    });
  });

  it('sums up the last 64 samples of the last 30 seconds, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 150 }),
        fc.integer({ min: 60_000, max: 95_000 }),
        (samples, nowMs) => {
          const window = new DeploymentWindow();
          for (const one of samples) window.add(one);
          const kept = samples.slice(-CAPACITY).filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
          const summary = window.summarise(nowMs, []);
          expect(summary.samples).toBe(kept.length);
          const errors = kept.filter(({ isError }) => isError).length;
          expect(summary.errorRate).toBeCloseTo(kept.length === 0 ? 0 : errors / kept.length, 12);
          expect(summary.latencyMs).toBe(median(kept.flatMap(({ latencyMs }) => latencyMs ?? [])));
          expect(summary.timeToFirstTokenMs).toBe(
            median(kept.flatMap(({ timeToFirstTokenMs }) => timeToFirstTokenMs ?? [])),
          );
        },
      ),
    );
  });

  it('takes a long wait as at least that long, and learns nothing from a short one', () => {
    const window = new DeploymentWindow();
    expect(window.summarise(0, [700]).timeToFirstTokenMs).toBe(700);
    for (const timeToFirstTokenMs of [100, 100, 100]) {
      window.add({ atMs: 0, isError: false, timeToFirstTokenMs, latencyMs: undefined });
    }
    expect(window.summarise(0, [5, 5, 5, 5, 5]).timeToFirstTokenMs).toBe(100);
    expect(window.summarise(0, [5_000, 5_000, 5_000, 5_000]).timeToFirstTokenMs).toBe(5_000);
    // No call has ended: no rate changes.
    expect(window.summarise(0, [5_000]).samples).toBe(3);
  });

  it('never looks better for streams that wait', () => {
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 80 }),
        fc.array(fc.nat(10_000), { maxLength: 30 }),
        (samples, waiting) => {
          const window = new DeploymentWindow();
          for (const one of samples) window.add(one);
          const before = window.summarise(60_000, []).timeToFirstTokenMs ?? 0;
          expect(window.summarise(60_000, waiting).timeToFirstTokenMs ?? 0).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });
});
