import type { RequestFeatures } from '../classification/request-features.js';
import type { CheapestCost } from './expected-cost.js';
import type { PolicyRule, PolicySurface } from './policy-snapshot.js';

/** What a candidate must satisfy for this request. */
export interface Demand {
  readonly features: RequestFeatures;
  readonly surface: PolicySurface;
  /** The rule whose limits hold; undefined for a bound or pinned model. */
  readonly rule: PolicyRule | undefined;
  /** What the deployment has no word for is left out of the request. */
  readonly dropsParameters: boolean;
  /** The client's output limit lowered to the surface's, in tokens. */
  readonly outputTokens: number | undefined;
  /** A budget is spent: what the cheapest costs that may serve. Absent: anyone may. */
  readonly cheapest?: CheapestCost | undefined;
}
