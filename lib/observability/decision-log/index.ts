export type { Decision, DecisionAttempt, DecisionReport, DecisionSummary } from './decision.js';
export { DECISION_OUTCOMES, type DecisionFilter, MAX_LIMIT } from './decision-filter.js';
export { DecisionLog } from './decision-log.js';
