export { bindContext } from './bind-context.js';
export {
  currentEnteredClass,
  currentLlmContext,
  runBoundWithLlmContext,
  runWithLlmContext,
} from './llm-context-storage.js';
export type { LlmRequestContext, SurfaceTightening, Workload } from './llm-request-context.js';
export type { SurfaceName } from './llm-surfaces.js';
export { mergeLlmContext } from './merge-llm-context.js';
export { tighter, TIGHTENING_KEYS } from './tighter.js';
