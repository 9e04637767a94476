export { bootTable } from './boot-table.js';
export { type CompiledOptions, compileOptions } from './compile-options.js';
export { type CompiledPolicy, compilePolicy } from './compile-policy.js';
export { createPlan, type PlanCircumstances, type PlanInput } from './create-plan.js';
export type { Plan, PlannedAttempt, RankingTerms, RejectedCandidate, RejectionReason } from './plan.js';
export {
  NO_SURFACE,
  type PolicyDeployment,
  type PolicyExecution,
  type PolicyModel,
  type PolicyRule,
  type PolicySnapshot,
  type PolicySurface,
} from './policy-snapshot.js';
export { findDeferral } from './rank-tier.js';
export { type DeploymentSignals, type SignalsSnapshot, UNKNOWN_SIGNALS } from './signals-snapshot.js';
