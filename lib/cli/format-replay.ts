import type { ReplayReport } from '../replay/index.js';

const percent = (share: number | undefined): string =>
  share === undefined ? '-' : `${(share * 100).toFixed(2)} %`;
const dollars = (usd: number): string => `$${usd.toFixed(usd < 1 ? 6 : 4)}`;
const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value} ms`);

/** Columns as wide as their widest cell; the first to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function difference(value: number, before: number): string {
  if (before === 0) return value === 0 ? '+0.0 %' : 'new';
  const change = (value / before - 1) * 100;
  return `${change < 0 ? '' : '+'}${change.toFixed(1)} %`;
}

function points(value: number | undefined, before: number | undefined): string {
  if (value === undefined || before === undefined) return '-';
  const change = (value - before) * 100;
  return `${change < 0 ? '' : '+'}${change.toFixed(2)} points`;
}

function summary(report: ReplayReport, against: ReplayReport | undefined): string {
  const rows: { name: string; of: (one: ReplayReport) => string; change: string }[] = [
    { name: 'policy', of: ({ policy }) => policy, change: '' },
    {
      name: 'cost',
      of: ({ costUsd }) => dollars(costUsd),
      change: against === undefined ? '' : difference(report.costUsd, against.costUsd),
    },
    {
      name: 'SLO attainment',
      of: ({ sloAttainment }) => percent(sloAttainment),
      change: points(report.sloAttainment, against?.sloAttainment),
    },
    {
      name: 'success',
      of: ({ successRate }) => percent(successRate),
      change: points(report.successRate, against?.successRate),
    },
    { name: 'floor violations', of: ({ floorViolations }) => String(floorViolations), change: '' },
    {
      name: 'fallback rate',
      of: ({ fallbackRate }) => percent(fallbackRate),
      change: points(report.fallbackRate, against?.fallbackRate),
    },
    {
      name: 'shed rate',
      of: ({ shedRate }) => percent(shedRate),
      change: points(report.shedRate, against?.shedRate),
    },
    { name: 'rejected', of: ({ rejected }) => String(rejected), change: '' },
    {
      name: 'calls a request',
      of: ({ attempts, requests }) => (attempts / requests).toFixed(3),
      change: '',
    },
  ];
  return against === undefined
    ? table(
        ['', ''],
        rows.map(({ name, of }) => [name, of(report)]),
      )
    : table(
        ['', 'this', 'against', 'difference'],
        rows.map(({ name, of, change }) => [name, of(report), of(against), change]),
      );
}

function surfaces(report: ReplayReport, against: ReplayReport | undefined): string {
  return table(
    [
      'surface',
      'requests',
      'success',
      'SLO',
      'attained',
      ...(against === undefined ? [] : ['against']),
      'p50',
      'p95',
      'cost',
    ],
    Object.entries(report.surfaces).map(([name, surface]) => [
      name,
      String(surface.requests),
      percent(surface.requests === 0 ? undefined : surface.succeeded / surface.requests),
      ms(surface.sloMs),
      percent(surface.sloAttainment),
      ...(against === undefined ? [] : [percent(against.surfaces[name]?.sloAttainment)]),
      ms(surface.latencyMs?.p50),
      ms(surface.latencyMs?.p95),
      dollars(surface.costUsd),
    ]),
  );
}

function deployments(report: ReplayReport, against: ReplayReport | undefined): string {
  const ids = [
    ...new Set(
      [report, ...(against === undefined ? [] : [against])].flatMap((one) => Object.keys(one.deployments)),
    ),
  ];
  return table(
    [
      'deployment',
      'calls',
      'failed',
      'served',
      'share',
      ...(against === undefined ? [] : ['against']),
      'peak in flight',
      'first token p50',
      'p95',
      'cost',
    ],
    ids.sort().map((id) => {
      const one = report.deployments[id];
      return [
        id,
        String(one?.attempts ?? 0),
        String(one?.failed ?? 0),
        String(one?.served ?? 0),
        percent(one?.share ?? 0),
        ...(against === undefined ? [] : [percent(against.deployments[id]?.share ?? 0)]),
        String(one?.peakInFlight ?? 0),
        ms(one?.timeToFirstTokenMs?.p50),
        ms(one?.timeToFirstTokenMs?.p95),
        dollars(one?.costUsd ?? 0),
      ];
    }),
  );
}

/** A report for people. */
export function formatReplay(report: ReplayReport, against: ReplayReport | undefined): string {
  const minutes = (report.spanMs / 60_000).toFixed(1);
  const errors = Object.entries(report.errors).map(([code, count]) => `${code} ${count}`);
  return [
    `${report.requests} requests over ${minutes} minutes, seed ${report.seed}`,
    summary(report, against),
    surfaces(report, against),
    deployments(report, against),
    ...(errors.length > 0 ? [`errors: ${errors.join(', ')}`] : []),
  ].join('\n\n');
}
