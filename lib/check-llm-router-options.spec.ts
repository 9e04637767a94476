import { describe, expect, it } from 'vitest';
import { checkLlmRouterOptions } from './check-llm-router-options.js';
import { ConfigurationError } from './errors/index.js';
import { ConfigurableModuleClass } from './llm-router.module-definition.js';

const options = {
  providers: { openai: { api: 'openai', apiKey: 'k' } },
  routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
} as const;

describe('checkLlmRouterOptions', () => {
  it('passes over what forRoot takes beside the configuration', () => {
    const all = { ...options, routingRules: { simple_queries: { primary: 'gpt-4o-mini' } }, isGlobal: true };
    expect(checkLlmRouterOptions(all).warnings).toEqual([]);
  });

  it.each([
    [Promise.resolve({}), 'is a Promise'],
    [undefined, 'the factory returned nothing'],
  ])('refuses %s by name, and so does forRoot', (raw, words) => {
    expect(() => checkLlmRouterOptions(raw as never)).toThrow(words);
    expect(() => ConfigurableModuleClass.forRoot(raw as never)).toThrow(ConfigurationError);
    expect(() => ConfigurableModuleClass.forRoot(raw as never)).toThrow(words);
  });
});
