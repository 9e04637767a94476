import type { KpiCell } from './kpi-cell.js';
import type { KpiAttemptFigures, KpiFigures, KpiPoint, KpiQuality } from './kpi-query.js';
import { dollars, share } from './rounding.js';

/** What is known of a row beside its counts. */
export interface RowSurroundings {
  readonly totalRequests: number;
  readonly totalCostUsd: number;
  readonly inFlight: number | null;
  readonly queueDepth: number | null;
}

export function figuresOf(cell: KpiCell, around: RowSurroundings): KpiFigures {
  const requests = cell.allRequests;
  const succeeded = cell.requests('succeeded');
  const errors = cell.requests('failed');
  const timeouts = cell.requests('timed_out');
  const shed = cell.requests('shed');
  const judged = succeeded + errors + timeouts;
  const costUsd = cell.costUsd.value;
  return {
    requests,
    succeeded,
    errors,
    timeouts,
    clientLeft: cell.requests('client_left'),
    shed,
    rejected: cell.requests('rejected'),
    errorsByCode: byName(cell.named('error_code')),
    errorRate: share(errors + timeouts, judged),
    timeoutRate: share(timeouts, judged),
    fallbackRate: share(cell.fellBack, requests),
    hedgeRate: share(cell.hedged, requests),
    shedRate: share(shed, requests),
    latencyMs: cell.times('latency')?.percentiles() ?? null,
    timeToFirstTokenMs: cell.times('timeToFirstToken')?.percentiles() ?? null,
    attempts: attemptFiguresOf(cell),
    tokens: cell.tokens,
    costUsd: dollars(costUsd),
    costPerRequestUsd: requests === 0 ? null : dollars(costUsd / requests),
    requestShare: share(requests, around.totalRequests),
    costShare: share(costUsd, around.totalCostUsd),
    quality: qualityOf(cell),
    inFlight: around.inFlight,
    queueDepth: around.queueDepth,
  };
}

function attemptFiguresOf(cell: KpiCell): KpiAttemptFigures {
  const succeeded = cell.attempts('succeeded');
  const errors = cell.attempts('failed');
  const timeouts = cell.attempts('timed_out');
  const judged = succeeded + errors + timeouts;
  return {
    total: cell.allAttempts,
    succeeded,
    errors,
    timeouts,
    clientLeft: cell.attempts('client_left'),
    hedgeLost: cell.attempts('hedge_lost'),
    hedges: cell.hedges,
    errorsByKind: byName(cell.named('error_kind')),
    errorRate: share(errors + timeouts, judged),
    timeoutRate: share(timeouts, judged),
    latencyMs: cell.times('attemptLatency')?.percentiles() ?? null,
    timeToFirstTokenMs: cell.times('attemptTimeToFirstToken')?.percentiles() ?? null,
    timePerOutputTokenMs: cell.times('timePerOutputToken')?.percentiles() ?? null,
  };
}

function qualityOf(cell: KpiCell): KpiQuality | null {
  const { evaluations, feedback } = cell;
  if (evaluations + feedback === 0) return null;
  return {
    score: share(cell.scores, evaluations + feedback),
    evaluations,
    feedback,
    faults: byName(cell.named('fault')),
  };
}

export function pointOf(cell: KpiCell, startMs: number, endMs: number): KpiPoint {
  const { promptTokens, completionTokens } = cell.tokens;
  return {
    from: new Date(startMs).toISOString(),
    to: new Date(endMs).toISOString(),
    requests: cell.allRequests,
    attempts: cell.allAttempts,
    errors: cell.requests('failed') + cell.requests('timed_out'),
    attemptErrors: cell.attempts('failed') + cell.attempts('timed_out'),
    latencyMs: cell.times('latency')?.percentiles() ?? null,
    timeToFirstTokenMs: cell.times('timeToFirstToken')?.percentiles() ?? null,
    attemptLatencyMs: cell.times('attemptLatency')?.percentiles() ?? null,
    costUsd: dollars(cell.costUsd.value),
    tokens: promptTokens + completionTokens,
    quality: qualityOf(cell)?.score ?? null,
  };
}

function byName(counts: Iterable<{ readonly name: string; readonly count: number }>): Record<string, number> {
  const sums: Record<string, number> = {};
  // The kinds are our own: none is called like a member of objects.
  for (const { name, count } of counts) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
