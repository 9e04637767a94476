import type { TokenUsage } from '../chat/index.js';
import { addUsage, NO_USAGE } from '../chat/index.js';
import type { Outcome } from '../telemetry/index.js';
import { CompensatedSum } from './compensated-sum.js';
import { LatencyHistogram, type Percentiles } from './histogram.js';
import { dollars, share } from './rounding.js';

/**
 * What is known of one deployment, model, provider or surface.
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

export interface KpiSample {
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly timeToFirstTokenMs: number | undefined;
  readonly usage: TokenUsage;
  readonly costUsd: number;
}

/** A caller that left and a hedge that lost say nothing of how fast a model is. */
export function isLatencySample(outcome: Outcome): boolean {
  return outcome !== 'client_left' && outcome !== 'hedge_lost';
}

/** Sums over the samples of one key, in constant memory. */
export class KpiAggregate {
  readonly #latency = new LatencyHistogram();
  readonly #firstToken = new LatencyHistogram();
  readonly #outcomes: Record<Outcome, number> = {
    succeeded: 0,
    failed: 0,
    timed_out: 0,
    client_left: 0,
    hedge_lost: 0,
    shed: 0,
    rejected: 0,
  };
  #usage: TokenUsage = NO_USAGE;
  readonly #costUsd = new CompensatedSum();

  add(sample: KpiSample): void {
    this.#outcomes[sample.outcome] += 1;
    this.#usage = addUsage(this.#usage, sample.usage);
    this.#costUsd.add(sample.costUsd);
    if (sample.outcome === 'succeeded') this.#latency.record(sample.durationMs);
    if (sample.timeToFirstTokenMs !== undefined && isLatencySample(sample.outcome)) {
      this.#firstToken.record(sample.timeToFirstTokenMs);
    }
  }

  read(): Kpi {
    const counts = this.#outcomes;
    const requests = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const judged = counts.succeeded + counts.failed + counts.timed_out;
    return {
      requests,
      succeeded: counts.succeeded,
      errors: counts.failed,
      timeouts: counts.timed_out,
      clientLeft: counts.client_left,
      refused: counts.rejected + counts.shed,
      errorRate: share(counts.failed + counts.timed_out, judged),
      timeoutRate: share(counts.timed_out, judged),
      latencyMs: this.#latency.percentiles(),
      timeToFirstTokenMs: this.#firstToken.percentiles(),
      tokens: this.#usage,
      costUsd: dollars(this.#costUsd.value),
      costPerRequestUsd: requests === 0 ? 0 : dollars(this.#costUsd.value / requests),
    };
  }
}
