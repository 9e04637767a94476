import type { ValidatedChatRequest } from '../chat/index.js';
import type { RequestFeatures } from '../classification/index.js';
import type { Workload } from '../context/index.js';
import type { RequestBudget } from '../cost/index.js';
import type { ServedAnswer } from '../execution/index.js';
import type { Plan, PolicySurface } from '../planning/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import type { RoutingInfo } from './routing-info.js';

/** Who asks, under which surface. */
export interface Circumstances {
  readonly surface: PolicySurface;
  readonly workload: Workload;
  readonly tenant: string | undefined;
  readonly deadlineMs: number | undefined;
  readonly budgets: readonly RequestBudget[];
}

/** Whom routing would ask; `refused`: it would refuse the request, which the baseline takes. */
export type ObservedPlan = Plan | 'refused';

/** Whom to ask; and while routing is only observed, whom it would have asked. */
export interface Decision {
  readonly plan: Plan;
  readonly observed?: ObservedPlan;
}

/** A request that has been read, and is not planned yet. */
export interface Received {
  readonly request: ValidatedChatRequest;
  readonly features: RequestFeatures;
  readonly circumstances: Circumstances;
  readonly recalledTurns: ReadonlyMap<number, RecalledTurn>;
  readonly tenant: string;
}

export interface Planned {
  readonly request: ValidatedChatRequest;
  readonly features: RequestFeatures;
  readonly plan: Plan;
  readonly recalledTurns: ReadonlyMap<number, RecalledTurn>;
  /** Whose turns are remembered. */
  readonly tenant: string;
  /** Two copies of it may be under way at once. */
  readonly mayOverlap: boolean;
  readonly budgets: readonly RequestBudget[];
  readonly hasShare: boolean;
}

/** An answer, under the plan that led to it. */
export interface Answered {
  readonly planned: Planned;
  readonly served: ServedAnswer;
  /** Calls of the request before those of this plan. */
  readonly callsBefore: number;
  readonly verification: RoutingInfo['verification'];
}
