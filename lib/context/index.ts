export { currentLlmContext, runWithLlmContext } from './llm-context-storage.js';
export type { LlmRequestContext, Workload } from './llm-request-context.js';
