export { LlmRouterHttpModule } from './llm-router-http.module.js';
export type { LlmRouterHttpOptions } from './llm-router-http.options.js';
