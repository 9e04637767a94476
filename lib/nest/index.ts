export { LlmContext } from './llm-context.decorator.js';
export { Surface } from './surface.decorator.js';
export { SurfaceExplorer } from './surface.explorer.js';
export type { SurfaceOverrides } from './surface.metadata.js';
