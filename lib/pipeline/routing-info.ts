import type { ClassifiedBy } from '../classification/index.js';
import type { Tier } from '../telemetry/index.js';

/**
 * Where an answer came from and why.
 *
 * @publicApi
 */
export interface RoutingInfo {
  readonly decisionId: string;
  /** The catalogue's name of the model; the answer's own `model` is what the provider reported. */
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly tier: Tier;
  readonly requestClass: string;
  readonly score: number;
  /** What decided on the class; undefined: there was nothing to decide. */
  readonly classifiedBy: ClassifiedBy | undefined;
  /** The score from which on a request of its surface is `complex_reasoning`; undefined as `classifiedBy` is. */
  readonly threshold: number | undefined;
  readonly rule: string | undefined;
  /**
   * What became of the check of the answer (`verify`). `passed`: it was found good. `escalated`: another answer was
   * not good enough, and this one is by a harder rule. `failed`: it is not good enough, and nobody harder answered.
   * Undefined: it was not looked at, there was nothing to check, or who was to check it did not answer.
   */
  readonly verification: 'passed' | 'escalated' | 'failed' | undefined;
  readonly surface: string;
  /** Fields of the request that were left out because the model has no word for them. */
  readonly droppedParameters: readonly string[];
  /** Calls made for this request so far, the one that answered included. */
  readonly attempts: number;
  /** Cost over all attempts in US dollars; undefined while a stream is still running. */
  readonly costUsd: number | undefined;
}
