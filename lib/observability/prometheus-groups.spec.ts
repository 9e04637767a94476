import { describe, expect, it } from 'vitest';
import { attempt, keyOf } from './kpi-records.spec-support.js';
import { LifetimeCell } from './kpi-lifetime.js';
import { type Grouping, ScrapeGroups, ShownSums } from './prometheus-groups.js';

const KEY = keyOf('support');
const BY_SURFACE: Grouping = { labelsOf: ({ surface }) => ({ surface }), times: ['attemptLatency'] };

describe('the groups of a scrape', () => {
  it('are summed up once for whoever asks at once, and anew for whoever asks later', async () => {
    const cell = new LifetimeCell(KEY);
    let reads = 0;
    const groups = new ScrapeGroups(() => {
      reads += 1;
      return [cell];
    });
    const attempts = (): number | undefined => groups.by(BY_SURFACE)[0]?.cell.allAttempts;
    for (const after of [1, 2]) {
      cell.addAttempt(attempt());
      expect([attempts(), attempts()]).toEqual([after, after]);
      expect(reads).toBe(after);
      await Promise.resolve();
    }
  });

  it('have the times alone that are shown of them', () => {
    const cell = new LifetimeCell(KEY);
    for (const time of ['attemptLatency', 'latency'] as const) cell.observe(time, 100, undefined, 0);
    const [group] = new ScrapeGroups(() => [cell, cell]).by(BY_SURFACE);
    expect(group?.cell.buckets('attemptLatency')?.count).toBe(2);
    expect(group?.cell.buckets('latency')).toBeUndefined();
  });
});

describe('ShownSums', () => {
  it('never shows less of a series than it has shown', () => {
    const sums = new ShownSums();
    const show = (surface: string, value: number): number => sums.atLeastAsShown({ surface }, value);
    expect([show('a', 0.1 + 0.2), show('a', 0.3), show('b', 0.3), show('a', 0.4)]).toEqual([
      0.1 + 0.2,
      0.1 + 0.2,
      0.3,
      0.4,
    ]);
  });
});
