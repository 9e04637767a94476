import type { LlmRouterOptions } from '../config/index.js';

/** Three accounts, one of each vendor. */
const PROVIDERS = {
  openai: { api: 'openai', apiKey: 'test-key' },
  anthropic: { api: 'anthropic', apiKey: 'test-key' },
  gemini: { api: 'gemini', apiKey: 'test-key' },
} as const;

/**
 * Names of models, not of families: what a test expects must not change with the catalogue. None of them thinks before
 * it answers: with one that does a request has ten minutes, and a test that stalls would wait for half of them.
 */
const ROUTING_RULES = {
  simple_queries: { primary: 'gpt-4o-mini', fallback: 'claude-haiku-4-5', emergency: 'gemini-2.0-flash' },
  complex_reasoning: { primary: 'gpt-4.1', fallback: 'claude-sonnet-4-5', emergency: 'gemini-2.0-flash' },
};

/** The user's options over what a test can do without: providers, rules, and every surface that is declared. */
export function testOptions(options: LlmRouterOptions, surfaces: Iterable<string>): LlmRouterOptions {
  const given = new Set(Object.keys(options).map((key) => key.toLowerCase().replaceAll('_', '')));
  const bringsModels = given.has('providers') || given.has('models');
  return {
    ...(given.has('providers') ? {} : { providers: PROVIDERS }),
    ...(given.has('routingrules') || bringsModels ? {} : { routingRules: ROUTING_RULES }),
    ...(given.has('surfaces')
      ? {}
      : { surfaces: Object.fromEntries([...surfaces].map((name) => [name, {}])) }),
    ...options,
  };
}
