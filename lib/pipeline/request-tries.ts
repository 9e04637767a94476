import { NO_USAGE, type TokenUsage } from '../chat/index.js';
import type { RequestRecord } from '../telemetry/index.js';
import { type CallTally, currentCallTally } from './call-tally.js';
import { createDecisionId } from './decision-id.js';

/**
 * One request that may be tried several times: under one decision, with one record that has the calls, tokens and cost of
 * all tries. A try that failed is kept back until it is known whether another one follows.
 */
export class RequestTries {
  readonly decisionId = createDecisionId();
  /** Who counts the requests of the handler it was made in. */
  readonly tally: CallTally | undefined = currentCallTally();
  #begun = 0;
  #attempts = 0;
  #usage: TokenUsage = NO_USAGE;
  #costUsd = 0;
  #tell: (() => void) | undefined;

  /** No try before the one that has begun last. */
  get isFirst(): boolean {
    return this.#begun === 1;
  }

  /** Calls of the tries so far. */
  get attempts(): number {
    return this.#attempts;
  }

  get usage(): TokenUsage {
    return this.#usage;
  }

  get costUsd(): number {
    return this.#costUsd;
  }

  /** Another try begins. */
  begin(): void {
    this.#tell = undefined;
    this.#begun += 1;
    if (this.#begun === 1) this.tally?.onStarted();
  }

  /** A try has ended: `record` is of all so far, and `tell` tells of it. */
  end({ outcome, attempts, usage, costUsd }: RequestRecord, tell: () => void): void {
    this.#attempts = attempts;
    this.#usage = usage;
    this.#costUsd = costUsd;
    this.#tell = tell;
    if (outcome === 'succeeded') this.conclude();
  }

  /** No other try follows. */
  conclude(): void {
    const tell = this.#tell;
    this.#tell = undefined;
    tell?.();
  }
}
