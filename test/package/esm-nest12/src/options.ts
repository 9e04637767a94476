import type { LlmRouterOptions } from 'nestjs-llm-router';

export function optionsFor(baseUrl: string): LlmRouterOptions {
  return {
    providers: { upstream: { api: 'openai', baseUrl, apiKey: 'test-key' } },
    routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    surfaces: { support: { workload: 'interactive' } },
  };
}
