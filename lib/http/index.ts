export { LlmRouterErrorFilter } from './llm-router-error.filter.js';
export { LlmRouterHttpModule } from './llm-router-http.module.js';
export type { LlmRouterHttpOptions } from './llm-router-http.options.js';
