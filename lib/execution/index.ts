export type { Execution, ServedAnswer, ServedStream } from './execution.js';
export { PlanExecutor } from './plan-executor.js';
