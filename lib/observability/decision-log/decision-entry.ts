import type { AnswerFault, AttemptRecord, RequestRecord, RequestStarted } from '../../telemetry/index.js';
import type { PlannedRequest } from '../request-observer.js';

/** What is kept of a decision: references to what was made anyway. It is put into words when somebody reads it. */
export interface DecisionEntry {
  readonly started: Pick<
    RequestStarted,
    'decisionId' | 'surface' | 'workload' | 'requestClass' | 'streamed' | 'tenant' | 'startedAtMs'
  >;
  planned: PlannedRequest | undefined;
  /** Plans for better answers, in their order. */
  readonly escalations: PlannedRequest[];
  /** Rejected candidates that are not kept. */
  rejectedBeyond: number;
  readonly attempts: AttemptRecord[];
  /** Undefined: it runs. */
  record: RequestRecord | undefined;
  evaluation: { readonly faults: readonly AnswerFault[]; readonly score: number } | undefined;
  feedback: { readonly score: number; readonly count: number } | undefined;
}
