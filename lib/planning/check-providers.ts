import { presetOf } from '../catalog/index.js';
import { hasKeys, type LlmRouterConfiguration, type ProviderOptions } from '../config/index.js';
import type { ProofNotes } from './proof-notes.js';

const AZURE_HOST = /\.azure\.(?:com|us|cn)$/;

/** Proves that every provider says where it is and how to get in. */
export function checkProviders(configuration: LlmRouterConfiguration, notes: ProofNotes): void {
  for (const [name, provider] of Object.entries(configuration.providers ?? {})) {
    const path = `providers.${name}`;
    if (provider.api === 'ai-sdk') {
      checkAiSdk(path, provider, notes);
      continue;
    }
    if (provider.languageModel) {
      notes.error(`${path}.languageModel`, 'is for api "ai-sdk" alone');
    }
    if (provider.api === 'vertex') {
      checkVertex(path, provider, notes);
      continue;
    }
    for (const key of ['project', 'location', 'bucketFiles'] as const) {
      if (provider[key] !== undefined) notes.error(`${path}.${key}`, 'is for api "vertex" alone');
    }
    if (provider.api === 'azure-openai') {
      checkAzure(path, provider, notes);
      continue;
    }
    if (provider.api === 'bedrock') {
      checkBedrock(path, provider, notes);
      continue;
    }
    if (provider.region) {
      notes.error(`${path}.region`, 'is for api "bedrock" alone');
    }
    if (provider.apiVersion) {
      notes.error(`${path}.apiVersion`, 'is for api "azure-openai" alone');
    }
    if (provider.api === 'openai-compatible' && !provider.baseUrl) {
      notes.error(`${path}.baseUrl`, 'is required for api "openai-compatible"');
    }
    // A gateway in front of it may know the key itself.
    const isKeyless = provider.api === 'openai-compatible' || presetOf(provider)?.keyRequired === false;
    if (!isKeyless && !hasKeys(provider) && !provider.baseUrl) {
      notes.error(`${path}.apiKey`, 'is required: best as "${NAME}" of an environment variable');
    }
  }
}

/** Where it is, and its key, are the affair of the AI SDK's provider: given here they would have no effect. */
function checkAiSdk(path: string, provider: ProviderOptions, notes: ProofNotes): void {
  if (!provider.languageModel) {
    notes.error(
      `${path}.languageModel`,
      'is required for api "ai-sdk": a function that makes the model of a name, which only code can give',
    );
  }
  for (const key of [
    ...(['apiKey', 'apiKeys', 'baseUrl', 'apiVersion', 'caFile'] as const),
    ...(['region', 'project', 'location'] as const),
  ]) {
    if (provider[key]) {
      notes.error(`${path}.${key}`, 'is not for api "ai-sdk": set it at the provider that makes the model');
    }
  }
}

function checkBedrock(
  path: string,
  { apiKey, apiKeys, apiVersion, baseUrl, region }: ProviderOptions,
  notes: ProofNotes,
): void {
  if (apiVersion) {
    notes.error(`${path}.apiVersion`, 'is for api "azure-openai" alone');
  }
  // With an address and a key nobody asks for the region.
  if (!region && !(baseUrl && hasKeys({ apiKey, apiKeys }))) {
    notes.error(`${path}.region`, 'is required for api "bedrock", such as "us-east-1"; or set AWS_REGION');
  }
}

function checkAzure(
  path: string,
  { apiKey, apiKeys, apiVersion, baseUrl, region }: ProviderOptions,
  notes: ProofNotes,
): void {
  if (region) {
    notes.error(`${path}.region`, 'is for api "bedrock" alone');
  }
  if (!baseUrl) {
    notes.error(
      `${path}.baseUrl`,
      'is required for api "azure-openai": the resource\'s endpoint, such as "https://NAME.openai.azure.com"',
    );
    return;
  }
  const { hostname, pathname } = new URL(baseUrl);
  if (/\/(?:deployments|completions|models)(?:\/|$)/.test(pathname)) {
    notes.error(
      `${path}.baseUrl`,
      'must end before "/openai": the name of a deployment goes into `upstreamModel` of a model',
    );
  }
  if (/\/openai\/v1\/*$/.test(pathname) && /^\d/.test(apiVersion ?? '')) {
    notes.error(
      `${path}.apiVersion`,
      'a dated version is of the API before v1: leave it out, or leave "/openai/v1" out of `baseUrl`',
    );
  }
  // A gateway in front of it may know the key itself.
  if (!hasKeys({ apiKey, apiKeys }) && AZURE_HOST.test(hostname)) {
    notes.error(`${path}.apiKey`, 'is required: best as "${AZURE_OPENAI_API_KEY}"');
  }
}

/** Without a key the credentials are found at the first call, wherever Google's library looks for them. */
function checkVertex(path: string, provider: ProviderOptions, notes: ProofNotes): void {
  if (provider.region) notes.error(`${path}.region`, 'is for api "bedrock" alone: `location` says it here');
  if (provider.apiVersion) {
    notes.error(`${path}.apiVersion`, 'is for api "azure-openai" alone');
  }
  if (!hasKeys(provider)) return;
  for (const key of ['project', 'location'] as const) {
    if (provider[key]) {
      notes.error(
        `${path}.${key}`,
        'is not for express mode, which an `apiKey` means: leave one of the two out',
      );
    }
  }
}
