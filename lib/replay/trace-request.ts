import type { Workload } from '../context/index.js';

/** One recorded request, as far as it can be sent again: when it came, what it was like, and nothing of what it said. */
export interface TraceRequest {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** The class it was given; undefined: the trace does not say. */
  readonly requestClass: string | undefined;
  /** Undefined: it named none. */
  readonly surface: string | undefined;
  /** Undefined: that of its surface. */
  readonly workload: Workload | undefined;
  readonly streamed: boolean;
  /** A model or a rule that it asked for by name. Absent: none, or the trace does not say. */
  readonly requestedModel?: string | undefined;
  /** What the scorer found, where its score decided on the class. Absent: it did not, or the trace does not say. */
  readonly score?: number | undefined;
}
