import type { Sandbox } from 'nestjs-llm-router/testing';

const KEYS = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY'] as const;

/** Whether there is a real provider to talk to. */
export function hasProviderKey(environment: NodeJS.ProcessEnv): boolean {
  return KEYS.some((name) => (environment[name] ?? '') !== '');
}

/** What an environment must say for the application to find the sandbox in the providers' places. */
export function sandboxEnvironment({ config: { providers } }: Sandbox): Record<string, string> {
  const { openai, anthropic, gemini } = providers;
  return {
    OPENAI_API_KEY: openai.apiKey,
    OPENAI_BASE_URL: openai.baseUrl,
    ANTHROPIC_API_KEY: anthropic.apiKey,
    ANTHROPIC_BASE_URL: anthropic.baseUrl,
    GEMINI_API_KEY: gemini.apiKey,
    GEMINI_BASE_URL: gemini.baseUrl,
  };
}
