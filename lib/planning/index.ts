export { bootTable } from './boot-table.js';
export { type CompiledOptions, compileOptions } from './compile-options.js';
export { type CompiledPolicy, compilePolicy } from './compile-policy.js';
export { createEmbeddingPlan } from './create-embedding-plan.js';
export { classDecides } from './class-decides.js';
export { CLASSIFICATION_CLASS, EMBEDDINGS_CLASS, HEALTH_PROBE } from './embeddings-class.js';
export {
  createPlan,
  INTERACTIVE_DEADLINE_MS,
  INTERACTIVE_SLO_MS,
  LONG_DEADLINE_MS,
  type PlanCircumstances,
  type PlanInput,
} from './create-plan.js';
export { type ExplainableFeatures, explainPlan } from './explanation/explain-plan.js';
export type { ExplainedAttempt, ExplainedRejection, Explanation } from './explanation/explanation.js';
export { harderRule } from './harder-rule.js';
export { findSecondCopy } from './find-second-copy.js';
export { findPassedOver } from './find-passed-over.js';
export type { WarmPrompt } from './score-candidate.js';
export { RANKING_PRESETS, type RankingPreset } from './ranking-preset.js';
export type { RankingWeights } from './ranking-weights.js';
export type { Plan, PlannedAttempt, RankingTerms, RejectedCandidate, RejectionReason } from './plan.js';
export { isPeak, peakEndsAt, type PolicyPeakHours, presetAt } from './peak-hours.js';
export { promptOf } from './prompt-of.js';
export {
  NO_SURFACE,
  type PolicyBaseline,
  type PolicyDeployment,
  type PolicyExecution,
  type PolicyModel,
  type PolicyRule,
  type PolicySnapshot,
  type PolicySurface,
  type PolicyTier,
} from './policy-snapshot.js';
export { type ContextFault, findContextFaults } from './find-context-faults.js';
export { describeShortfall, isServable, staticRejection } from './prove-surfaces.js';
export { capacityOf, type Deferral, type DeferralKind, findDeferral, isFailing } from './deferral.js';
export { tightenSurface } from './tighten-surface.js';
export { type DeploymentSignals, type SignalsSnapshot, UNKNOWN_SIGNALS } from './signals-snapshot.js';
