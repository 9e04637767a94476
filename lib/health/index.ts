export { LlmDeploymentHealthIndicator } from './llm-deployment.health.js';
export { LlmProviderHealthIndicator } from './llm-provider.health.js';
export { LlmSurfaceHealthIndicator } from './llm-surface.health.js';
export { ProviderProbe } from './provider-probe.js';
