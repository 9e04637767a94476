export { LlmProviderHealthIndicator } from './llm-provider.health.js';
