import { PRESET_NAMES, presetOf } from '../../catalog/index.js';
import type { LlmRouterConfiguration, ProviderOptions } from '../../config/index.js';
import { adapterFor } from '../../providers/adapter-registry.js';
import { readVertexSettings } from '../../providers/vertex/vertex-settings.js';

/** A provider as OpenTelemetry's conventions name it. Nothing of it is secret. */
export interface ProviderIdentity {
  /** `gen_ai.provider.name`. */
  readonly name: string;
  /** Host alone. Undefined: not known. */
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** The values that the conventions fix, by our names of the wire formats. */
const WELL_KNOWN: Readonly<Partial<Record<string, string>>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'gcp.gemini',
  vertex: 'gcp.vertex_ai',
  'azure-openai': 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  mistral: 'mistral_ai',
  xai: 'x_ai',
  moonshot: 'moonshot_ai',
  groq: 'groq',
  deepseek: 'deepseek',
  cohere: 'cohere',
  perplexity: 'perplexity',
};

/** @param environment - Where Vertex AI's location may be. */
export function identityOf(
  name: string,
  provider: ProviderOptions,
  environment: NodeJS.ProcessEnv,
): ProviderIdentity {
  const api = presetOf(provider)?.name ?? provider.api;
  return { name: WELL_KNOWN[api] ?? presetName(api) ?? name, ...serverOf(provider, environment) };
}

export function identitiesOf(
  { providers }: LlmRouterConfiguration,
  environment: NodeJS.ProcessEnv,
): ReadonlyMap<string, ProviderIdentity> {
  return new Map(
    Object.entries(providers ?? {}).map(([name, provider]) => [
      name,
      identityOf(name, provider, environment),
    ]),
  );
}

function presetName(api: string): string | undefined {
  return PRESET_NAMES.find((preset) => preset === api);
}

/** Neither user nor password, path nor query: an address in the configuration may hold a key. */
function serverOf(
  provider: ProviderOptions,
  environment: NodeJS.ProcessEnv,
): Pick<ProviderIdentity, 'address' | 'port'> {
  const baseUrl = provider.baseUrl ?? defaultBaseUrl(provider, environment);
  if (!baseUrl || !URL.canParse(baseUrl)) return { address: undefined, port: undefined };
  const { hostname, port, protocol } = new URL(baseUrl);
  return {
    address: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
  };
}

function defaultBaseUrl(provider: ProviderOptions, environment: NodeJS.ProcessEnv): string | undefined {
  const { api, region } = provider;
  if (api === 'ai-sdk') return undefined;
  const vertex = api === 'vertex' ? readVertexSettings(provider, environment) : undefined;
  return adapterFor(api, { region, vertex }).defaultBaseUrl;
}
