import type { ChatCompletionChunk } from '../chat/index.js';
import type { BudgetReservation } from '../cost/index.js';
import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import { SHUTDOWN } from '../execution/index.js';
import type { PlannedAttempt } from '../planning/index.js';
import type { AttemptRecord, Outcome, RequestLabels } from '../telemetry/index.js';
import type { CallTally } from './call-tally.js';
import type { ObservedPlan } from './journey-stages.js';
import type { RequestTries } from './request-tries.js';
import type { RoutingRuntime } from './routing-runtime.js';

/** A request on its way: what is known of it so far, and the one place where it ends. */
export interface Journey {
  readonly runtime: RoutingRuntime;
  readonly decisionId: string;
  readonly startedAtMs: number;
  readonly startedAt: number;
  readonly controller: AbortController;
  readonly records: AttemptRecord[];
  /** Of these, calls that were made to find out its class. */
  callsBefore: number;
  /** Who counts the requests of the handler this one was made in. */
  readonly tally: CallTally | undefined;
  /** Where it is one of several: those before it, and who tells of it. */
  readonly tries: RequestTries | undefined;
  labels: RequestLabels;
  /** Its client has set a shorter deadline than the application would. Known once it is planned. */
  isDeadlineOfClient: boolean;
  servedBy: PlannedAttempt | undefined;
  /** Gives its place back. */
  leave: (() => void) | undefined;
  /** What is kept for it of the budgets it is paid from. */
  reservation: BudgetReservation | undefined;
  /** What of its cost was counted before that was kept. */
  countedUsd: number;
  timeToFirstTokenMs: number | undefined;
  /** Ends a stream whose reader has gone without a word. */
  abandonment: NodeJS.Timeout | undefined;
  /** What routing would have done, where it is only observed. */
  observed: ObservedPlan | undefined;
  /** What the caller reads from, once a stream has begun. */
  chunks: AsyncGenerator<ChatCompletionChunk, void, undefined> | undefined;
  /** Emits the request record and gives back what the request holds. The first call counts. */
  end(outcome: Outcome, errorCode?: LlmRouterErrorCode): void;
}

/** Nobody waits for the answer any more. Where the shutdown ends the request, somebody does. */
export function hasLeft({ signal }: AbortController): boolean {
  return signal.aborted && signal.reason !== SHUTDOWN;
}

/** With those of the tries before. */
export function callsOf({ records, tries }: Journey): number {
  return (tries?.attempts ?? 0) + records.length;
}

/** With that of the tries before. */
export function costOf(journey: Journey): number {
  return (journey.tries?.costUsd ?? 0) + totalCost(journey);
}

/** Of this try alone. */
export function totalCost(journey: Journey): number {
  return journey.records.reduce((sum, record) => sum + record.costUsd, 0);
}
