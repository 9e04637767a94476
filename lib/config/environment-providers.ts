import type { ProviderOptions } from './options/provider.options.js';

const FROM_ENVIRONMENT = [
  { name: 'openai', api: 'openai', prefix: 'OPENAI' },
  { name: 'anthropic', api: 'anthropic', prefix: 'ANTHROPIC' },
  { name: 'gemini', api: 'gemini', prefix: 'GEMINI' },
] as const;

type FoundProvider = Pick<ProviderOptions, 'api' | 'apiKey' | 'baseUrl'>;

/**
 * The providers that the vendors' usual environment variables name: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`,
 * `GEMINI_API_KEY`, each with `…_BASE_URL` as the vendor's SDK reads it.
 */
export function environmentProviders(environment: NodeJS.ProcessEnv): Record<string, FoundProvider> {
  const providers: Record<string, FoundProvider> = {};
  for (const { name, api, prefix } of FROM_ENVIRONMENT) {
    const apiKey = environment[`${prefix}_API_KEY`];
    if (apiKey === undefined || apiKey === '') continue;
    const baseUrl = environment[`${prefix}_BASE_URL`];
    providers[name] = { api, apiKey, ...(baseUrl ? { baseUrl } : {}) };
  }
  return providers;
}

/** The environment variable that a path in {@link environmentProviders} came from: `providers.openai.baseUrl`. */
export function environmentVariableOf(path: string): string {
  const [, provider, key] = path.split('.');
  const source = FROM_ENVIRONMENT.find(({ name }) => name === provider);
  if (source === undefined) return path;
  return `${source.prefix}_${key === 'baseUrl' ? 'BASE_URL' : 'API_KEY'}`;
}
