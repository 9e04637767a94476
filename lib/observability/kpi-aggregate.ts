import type { TokenUsage } from '../chat/index.js';
import type { Outcome } from '../telemetry/index.js';
import type { Percentiles } from './histogram.js';
import type { KpiCell } from './kpi-cell.js';
import { dollars, share } from './rounding.js';

/**
 * What is known of one deployment, model, provider or surface since the start.
 *
 * @publicApi
 */
export interface Kpi {
  /** Requests of a surface; calls (attempts) of a deployment, model or provider, also those that failed. */
  readonly requests: number;
  readonly succeeded: number;
  /** Failed otherwise than by time. */
  readonly errors: number;
  readonly timeouts: number;
  /** The caller left: neither an error nor a latency sample. */
  readonly clientLeft: number;
  /** Refused or shed before any model was called. */
  readonly refused: number;
  /** Errors and timeouts over what ended without the caller's doing: 0 to 1, to four digits. */
  readonly errorRate: number;
  /** Timeouts alone, likewise. */
  readonly timeoutRate: number;
  /** Milliseconds until the answer was complete, of successes. */
  readonly latencyMs: Percentiles | undefined;
  /** Milliseconds until a stream's first token. */
  readonly timeToFirstTokenMs: Percentiles | undefined;
  readonly tokens: TokenUsage;
  /** US dollars, to a billionth. */
  readonly costUsd: number;
  /** `costUsd` over `requests`: for a deployment, model or provider, what one call costs. */
  readonly costPerRequestUsd: number;
}

/** Of a surface, or of all: counts requests. */
export function requestKpi(cell: KpiCell): Kpi {
  return kpiOf(cell, cell.allRequests, (outcome) => cell.requests(outcome), {
    latencyMs: cell.times('latency')?.percentiles(),
    timeToFirstTokenMs: cell.times('timeToFirstToken')?.percentiles(),
  });
}

/** Of what is called: counts attempts. */
export function attemptKpi(cell: KpiCell): Kpi {
  return kpiOf(cell, cell.allAttempts, (outcome) => cell.attempts(outcome), {
    latencyMs: cell.times('attemptLatency')?.percentiles(),
    timeToFirstTokenMs: cell.times('attemptTimeToFirstToken')?.percentiles(),
  });
}

function kpiOf(
  cell: KpiCell,
  requests: number,
  count: (outcome: Outcome) => number,
  times: Pick<Kpi, 'latencyMs' | 'timeToFirstTokenMs'>,
): Kpi {
  const [succeeded, errors, timeouts] = [count('succeeded'), count('failed'), count('timed_out')];
  const judged = succeeded + errors + timeouts;
  const costUsd = cell.costUsd.value;
  return {
    requests,
    succeeded,
    errors,
    timeouts,
    clientLeft: count('client_left'),
    refused: count('rejected') + count('shed'),
    errorRate: share(errors + timeouts, judged),
    timeoutRate: share(timeouts, judged),
    ...times,
    tokens: cell.tokens,
    costUsd: dollars(costUsd),
    costPerRequestUsd: requests === 0 ? 0 : dollars(costUsd / requests),
  };
}
