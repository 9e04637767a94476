export { SHUTDOWN } from './attempt-clock.js';
export { ChoiceProgress, choicesOf } from './choice-progress.js';
export type { EmbeddingExecution, Execution, ServedAnswer, ServedStream } from './execution.js';
export { createPlanExecutor } from './create-plan-executor.js';
export type { PlanExecutor } from './plan-executor.js';
export { primed } from './primed.js';
