import { InvalidRequestError } from '../errors/index.js';
import {
  KPI_ROW_DIMENSIONS,
  type KpiQuery,
  type KpiRowDimension,
  type KpiStep,
  type KpiWindow,
} from './kpi-query.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const KPI_WINDOWS_MS: Readonly<Record<KpiWindow, number>> = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  start: Number.POSITIVE_INFINITY,
};

/** How long a point is, and how far back so short points are known. */
export const KPI_STEPS: Readonly<Record<KpiStep, { readonly stepMs: number; readonly reachMs: number }>> = {
  '10s': { stepMs: 10_000, reachMs: 5 * MINUTE_MS },
  '1m': { stepMs: MINUTE_MS, reachMs: HOUR_MS },
  '15m': { stepMs: 15 * MINUTE_MS, reachMs: 24 * HOUR_MS },
};

const MAX_DIMENSIONS = 2;

/** A question without gaps. */
export interface CheckedKpiQuery {
  readonly window: KpiWindow;
  readonly by: readonly KpiRowDimension[];
  readonly step: KpiStep | undefined;
}

/** @throws {@link InvalidRequestError} that says what may be asked. */
export function checkKpiQuery({ window = '5m', by = [], step }: KpiQuery): CheckedKpiQuery {
  if (!Object.hasOwn(KPI_WINDOWS_MS, window)) {
    throw new InvalidRequestError(
      `\`window\` must be one of ${Object.keys(KPI_WINDOWS_MS).join(', ')}.`,
      'window',
    );
  }
  const isFew = by.length <= MAX_DIMENSIONS && new Set(by).size === by.length;
  if (!isFew || !by.every((each) => KPI_ROW_DIMENSIONS.includes(each))) {
    throw new InvalidRequestError(
      `\`by\` must be at most ${MAX_DIMENSIONS} different ones of ${KPI_ROW_DIMENSIONS.join(', ')}, with a comma between.`,
      'by',
    );
  }
  if (step !== undefined) checkStep(step, window, by);
  return { window, by, step };
}

function checkStep(step: KpiStep, window: KpiWindow, by: readonly KpiRowDimension[]): void {
  if (!Object.hasOwn(KPI_STEPS, step)) {
    throw new InvalidRequestError(`\`step\` must be one of ${Object.keys(KPI_STEPS).join(', ')}.`, 'step');
  }
  const windowMs = KPI_WINDOWS_MS[window];
  if (windowMs > KPI_STEPS[step].reachMs || windowMs < KPI_STEPS[step].stepMs) {
    const fitting = Object.entries(KPI_STEPS).flatMap(([name, { stepMs, reachMs }]) =>
      windowMs <= reachMs && windowMs >= stepMs ? [name] : [],
    );
    const allowed = fitting.length === 0 ? 'has no series' : `takes \`step\` ${fitting.join(' or ')}`;
    throw new InvalidRequestError(`The window ${window} ${allowed}.`, 'step');
  }
  if (by.length > 1) throw new InvalidRequestError('With `step`, `by` takes one dimension.', 'by');
}

/** @throws {@link InvalidRequestError}. */
export function readKpiQuery(query: {
  readonly window: unknown;
  readonly by: unknown;
  readonly step: unknown;
}): CheckedKpiQuery {
  const { window, by, step } = query;
  const names = typeof by === 'string' ? by.split(',').map((name) => name.trim()) : by;
  // What it is beside strings is refused as any other word.
  return checkKpiQuery({
    window: window as KpiWindow,
    by: (Array.isArray(names) ? names : names === undefined ? [] : [names]) as KpiRowDimension[],
    step: step as KpiStep,
  });
}
