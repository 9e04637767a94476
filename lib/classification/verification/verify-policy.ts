import type { AnswerVerifier } from '../../config/index.js';

/** What an answer of a rule is held against. */
export interface VerifyPolicy {
  readonly schema: boolean;
  /** Undefined: not asked for. */
  readonly confidence: number | undefined;
  readonly verifier: AnswerVerifier | undefined;
  readonly timeoutMs: number;
}
