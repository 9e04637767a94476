import { type KpiTime, OUTCOMES } from './kpi-cell.js';
import { LifetimeCell } from './kpi-lifetime.js';
import type { KpiCellKey } from './kpi-cell-key.js';
import type { PrometheusSample } from './prometheus-family.js';

export type Labels = Readonly<Record<string, string>>;

/** Everything counted since the start, summed up by labels. */
export function groupBy(
  cells: Iterable<LifetimeCell>,
  labelsOf: (key: KpiCellKey) => Labels,
): { readonly labels: Labels; readonly cell: LifetimeCell }[] {
  const groups = new Map<string, { readonly labels: Labels; readonly cell: LifetimeCell }>();
  for (const cell of cells) {
    const labels = labelsOf(cell.key);
    const text = Object.values(labels).join('\u0000');
    let group = groups.get(text);
    if (group === undefined) {
      group = { labels, cell: new LifetimeCell(cell.key) };
      groups.set(text, group);
    }
    group.cell.absorbForScrape(cell);
  }
  return [...groups.values()];
}

/** Requests by how they ended. */
export function* requestsByOutcome({ labels, cell }: Group): Generator<PrometheusSample, void, undefined> {
  for (const outcome of OUTCOMES) {
    const value = cell.requests(outcome);
    if (value > 0) yield { labels: { ...labels, outcome }, value };
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
  yield { metricName: `${name}_sum`, labels, value: buckets.sumSeconds };
  yield { metricName: `${name}_count`, labels, value: count };
}

export interface Group {
  readonly labels: Labels;
  readonly cell: LifetimeCell;
}
