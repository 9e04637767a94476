import type { LlmRouterOptions } from 'nestjs-llm-router';

/** Which models answer what, in which order. Of providers without a key the boot says that they are left out. */
export const routing = {
  routingRules: {
    simple_queries: {
      primary: 'gpt-4.1-mini',
      fallback: 'claude-haiku',
      // The small one is a last resort for whoever has no floor; surfaces that have one never see it.
      emergency: ['gemini-flash', 'gpt-4.1-nano'],
    },
    complex_reasoning: { primary: 'gpt-4.1', fallback: 'claude-sonnet', emergency: 'gemini-pro' },
    // No class of this name comes out of the classifier: it is asked for by name, as a model would be.
    short_texts: { primary: 'gpt-4.1-nano', fallback: 'claude-3-haiku', emergency: 'gemini-flash' },
  },
} satisfies LlmRouterOptions;
