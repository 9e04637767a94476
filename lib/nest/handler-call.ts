import { addUsage, NO_USAGE, type TokenUsage } from '../chat/index.js';
import type { CallTally, RoutingInfo } from '../pipeline/index.js';
import { NO_SURFACE } from '../planning/index.js';
import type { HandlerRecord, Outcome, RequestRecord } from '../telemetry/index.js';

/** A caller that has left and a hedge that lost are nobody's failure. */
const HAS_FAILED: Readonly<Record<Outcome, boolean>> = {
  succeeded: false,
  failed: true,
  timed_out: true,
  shed: true,
  rejected: true,
  client_left: false,
  hedge_lost: false,
};

/**
 * One call of a handler and the router requests made in it. It has ended when its response is out and no request is
 * open any more: a stream counts with its end, and not with the handler's return.
 */
export class HandlerCall implements CallTally {
  readonly #startedAtMs = Date.now();
  readonly #startedAt = performance.now();
  readonly #models = new Set<string>();
  #surfaceOfFirst: string | undefined;
  #calls = 0;
  #failedCalls = 0;
  #lastFailed: RequestRecord | undefined;
  /** A request failed, which no caller's leaving explains. */
  #hasBroken = false;
  #attempts = 0;
  #usage: TokenUsage = NO_USAGE;
  #costUsd = 0;
  #open = 0;
  #waitingSince = 0;
  #waitingMs = 0;
  #routing: RoutingInfo | undefined;
  #outcome: HandlerRecord['outcome'] | undefined;
  #hasEnded = false;

  /**
   * @param surface - The handler's `@Surface`; undefined: it has none.
   * @param onHandled - Called once, and not at all where no model was asked.
   */
  constructor(
    private readonly handler: string,
    private readonly surface: string | undefined,
    private readonly onHandled: (record: HandlerRecord) => void,
  ) {}

  /** Where the answer came from that was routed last. */
  get routing(): RoutingInfo | undefined {
    return this.#routing;
  }

  /** Cost of the requests that have ended so far, in US dollars. */
  get costUsd(): number {
    return this.#costUsd;
  }

  onStarted(): void {
    if (this.#open === 0) this.#waitingSince = performance.now();
    this.#open += 1;
  }

  onRouted(routing: RoutingInfo): void {
    this.#routing = routing;
  }

  onEnded(record: RequestRecord): void {
    this.#open -= 1;
    this.#surfaceOfFirst ??= record.surface;
    this.#calls += 1;
    if (HAS_FAILED[record.outcome]) {
      this.#failedCalls += 1;
      this.#lastFailed = record;
    }
    if (record.outcome === 'failed' || record.outcome === 'timed_out') this.#hasBroken = true;
    this.#attempts += record.attempts;
    if (record.servedBy !== undefined) this.#models.add(record.servedBy.model);
    this.#usage = addUsage(this.#usage, record.usage);
    this.#costUsd += record.costUsd;
    if (this.#open === 0) this.#waitingMs += performance.now() - this.#waitingSince;
    this.settle();
  }

  /** The handler's own part is over. The first call counts. */
  finish(outcome: HandlerRecord['outcome']): void {
    this.#outcome ??= outcome;
    this.settle();
  }

  private settle(): void {
    // Without a call yet there may be one to come: some handlers answer first and work afterwards.
    if (this.#outcome === undefined || this.#open > 0 || this.#calls === 0 || this.#hasEnded) return;
    this.#hasEnded = true;
    // A response torn down because its stream broke is no caller that left.
    const outcome = this.#outcome === 'client_left' && this.#hasBroken ? 'failed' : this.#outcome;
    this.onHandled({
      handler: this.handler,
      surface: this.surface ?? this.#surfaceOfFirst ?? NO_SURFACE,
      startedAtMs: this.#startedAtMs,
      durationMs: performance.now() - this.#startedAt,
      waitingMs: this.#waitingMs,
      calls: this.#calls,
      failedCalls: this.#failedCalls,
      errorCode: this.#lastFailed?.errorCode,
      decisionId: this.#lastFailed?.decisionId,
      attempts: this.#attempts,
      models: [...this.#models],
      usage: this.#usage,
      costUsd: this.#costUsd,
      outcome,
    });
  }
}
