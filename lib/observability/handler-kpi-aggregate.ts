import { addUsage, NO_USAGE, type TokenUsage } from '../chat/index.js';
import type { HandlerRecord } from '../telemetry/index.js';
import { CompensatedSum } from './compensated-sum.js';
import { LatencyHistogram, type Percentiles } from './histogram.js';
import { dollars, share } from './rounding.js';

/**
 * What is known of one handler.
 *
 * @publicApi
 */
export interface HandlerKpi {
  /** Calls of the handler that asked a model. */
  readonly handlerCalls: number;
  readonly succeeded: number;
  /** The handler threw. */
  readonly errors: number;
  readonly clientLeft: number;
  /** Router requests made in it. */
  readonly requests: number;
  /** Of these, how many failed, ran out of time or were refused; who left is not among them. */
  readonly failedRequests: number;
  /** Milliseconds until response and last request had ended, of successes. */
  readonly durationMs: Percentiles | undefined;
  /** Of all the time of its calls, the share spent waiting for models: 0 to 1, to four digits. */
  readonly waitingShare: number;
  readonly tokens: TokenUsage;
  /** US dollars, to a billionth. */
  readonly costUsd: number;
  readonly costPerCallUsd: number;
}

/** Sums over the calls of one handler, in constant memory. */
export class HandlerKpiAggregate {
  readonly #duration = new LatencyHistogram();
  readonly #outcomes: Record<HandlerRecord['outcome'], number> = { succeeded: 0, failed: 0, client_left: 0 };
  #requests = 0;
  #failedRequests = 0;
  #durationMs = 0;
  #waitingMs = 0;
  #usage: TokenUsage = NO_USAGE;
  readonly #costUsd = new CompensatedSum();

  add(record: HandlerRecord): void {
    this.#outcomes[record.outcome] += 1;
    this.#requests += record.calls;
    this.#failedRequests += record.failedCalls;
    this.#durationMs += record.durationMs;
    this.#waitingMs += record.waitingMs;
    this.#usage = addUsage(this.#usage, record.usage);
    this.#costUsd.add(record.costUsd);
    if (record.outcome === 'succeeded') this.#duration.record(record.durationMs);
  }

  read(): HandlerKpi {
    const { succeeded, failed, client_left: clientLeft } = this.#outcomes;
    const handlerCalls = succeeded + failed + clientLeft;
    return {
      handlerCalls,
      succeeded,
      errors: failed,
      clientLeft,
      requests: this.#requests,
      failedRequests: this.#failedRequests,
      durationMs: this.#duration.percentiles(),
      waitingShare: share(Math.min(this.#waitingMs, this.#durationMs), this.#durationMs),
      tokens: this.#usage,
      costUsd: dollars(this.#costUsd.value),
      costPerCallUsd: handlerCalls === 0 ? 0 : dollars(this.#costUsd.value / handlerCalls),
    };
  }
}
