import type { Outcome } from '../telemetry/index.js';
import { type KpiTime, OUTCOMES } from './kpi-cell.js';
import { LifetimeCell } from './kpi-lifetime.js';
import type { KpiCellKey } from './kpi-cell-key.js';
import type { PrometheusSample } from './prometheus-family.js';

export type Labels = Readonly<Record<string, string>>;

/** By which labels a family shows what was counted. */
export interface Grouping {
  readonly labelsOf: (key: KpiCellKey) => Labels;
  /** Those that are shown of it. Absent: none. */
  readonly times?: readonly KpiTime[];
}

/**
 * Everything counted since the start, summed up by labels: for all families of a scrape once for each grouping, as the
 * sums of two thousand cells for each of them would hold up the event loop. prom-client asks all families at once, so what
 * was summed up is valid until whatever runs next.
 */
export class ScrapeGroups {
  readonly #groups = new Map<Grouping, readonly Group[]>();

  constructor(private readonly cells: () => Iterable<LifetimeCell>) {}

  by(grouping: Grouping): readonly Group[] {
    const known = this.#groups.get(grouping);
    if (known !== undefined) return known;
    if (this.#groups.size === 0) {
      queueMicrotask(() => {
        this.#groups.clear();
      });
    }
    const groups = groupBy(this.cells(), grouping);
    this.#groups.set(grouping, groups);
    return groups;
  }
}

function groupBy(cells: Iterable<LifetimeCell>, { labelsOf, times = [] }: Grouping): readonly Group[] {
  const groups = new Map<string, { readonly labels: Labels; readonly cell: LifetimeCell }>();
  for (const cell of cells) {
    const labels = labelsOf(cell.key);
    const text = seriesOf(labels);
    let group = groups.get(text);
    if (group === undefined) {
      group = { labels, cell: new LifetimeCell(cell.key) };
      groups.set(text, group);
    }
    group.cell.absorbForScrape(cell, times);
  }
  return [...groups.values()];
}

function seriesOf(labels: Labels): string {
  return Object.values(labels).join('\u0000');
}

/**
 * What was shown of each series of a sum of fractions. Where cells are merged the same amounts are added in another order,
 * and a counter that is less by its last digit has begun anew for Prometheus: all of it counts once more.
 */
export class ShownSums {
  readonly #shown = new Map<string, number>();

  atLeastAsShown(labels: Labels, value: number): number {
    const series = seriesOf(labels);
    const shown = Math.max(value, this.#shown.get(series) ?? value);
    this.#shown.set(series, shown);
    return shown;
  }
}

/** What alerts are about. */
const WATCHED: ReadonlySet<Outcome> = new Set<Outcome>(['failed', 'timed_out', 'shed']);

/**
 * Requests by how they ended. That none has failed is told as well: of a counter that appears with its first 40 failures,
 * Prometheus knows no increase.
 */
export function* requestsByOutcome({ labels, cell }: Group): Generator<PrometheusSample, void, undefined> {
  const isUsed = cell.allRequests > 0;
  for (const outcome of OUTCOMES) {
    const value = cell.requests(outcome);
    if (value > 0 || (isUsed && WATCHED.has(outcome))) yield { labels: { ...labels, outcome }, value };
  }
}

/** Attempts by how they ended, and with what kind of error. */
export function* attemptsByOutcome({ labels, cell }: Group): Generator<PrometheusSample, void, undefined> {
  for (const outcome of OUTCOMES) {
    let plain = cell.attempts(outcome);
    for (const named of cell.named('error_kind')) {
      if (named.outcome !== outcome) continue;
      plain -= named.count;
      yield { labels: { ...labels, outcome, error_type: named.name }, value: named.count };
    }
    if (plain > 0) yield { labels: { ...labels, outcome, error_type: '' }, value: plain };
  }
}

/** A histogram's three kinds of lines. */
export function* histogramLines(
  name: string,
  time: KpiTime,
  { labels, cell }: Group,
  withExemplars: boolean,
  sums: ShownSums,
): Generator<PrometheusSample, void, undefined> {
  const buckets = cell.buckets(time);
  if (buckets === undefined) return;
  let count = 0;
  for (const [index, inBucket] of buckets.counts.entries()) {
    count += inBucket;
    const exemplar = withExemplars ? buckets.exemplar(index) : undefined;
    yield {
      metricName: `${name}_bucket`,
      labels: { le: buckets.bounds[index] ?? '+Inf', ...labels },
      value: count,
      ...(exemplar === undefined
        ? {}
        : {
            exemplar: {
              labelSet: { trace_id: exemplar.traceId },
              value: exemplar.seconds,
              timestamp: exemplar.atMs / 1_000,
            },
          }),
    };
  }
  yield { metricName: `${name}_sum`, labels, value: sums.atLeastAsShown(labels, buckets.sumSeconds) };
  yield { metricName: `${name}_count`, labels, value: count };
}

export interface Group {
  readonly labels: Labels;
  readonly cell: LifetimeCell;
}
