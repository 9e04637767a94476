import type { LlmRouterConfiguration, ProviderOptions } from '../config/index.js';
import type { ProofNotes } from './proof-notes.js';

const AZURE_HOST = /\.azure\.(?:com|us|cn)$/;

/** Proves that every provider says where it is and how to get in. */
export function checkProviders(configuration: LlmRouterConfiguration, notes: ProofNotes): void {
  for (const [name, provider] of Object.entries(configuration.providers ?? {})) {
    const path = `providers.${name}`;
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
    if (provider.apiVersion) {
      notes.error(`${path}.apiVersion`, 'is for api "azure-openai" alone');
    }
    if (provider.api === 'openai-compatible' && !provider.baseUrl) {
      notes.error(`${path}.baseUrl`, 'is required for api "openai-compatible"');
    }
    if (provider.api !== 'openai-compatible' && !provider.apiKey && !provider.baseUrl) {
      notes.error(`${path}.apiKey`, 'is required: best as "${NAME}" of an environment variable');
    }
  }
}

function checkAzure(path: string, { apiKey, apiVersion, baseUrl }: ProviderOptions, notes: ProofNotes): void {
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
  if (!apiKey && AZURE_HOST.test(hostname)) {
    notes.error(`${path}.apiKey`, 'is required: best as "${AZURE_OPENAI_API_KEY}"');
  }
}

/** Without a key the credentials are found at the first call, wherever Google's library looks for them. */
function checkVertex(path: string, provider: ProviderOptions, notes: ProofNotes): void {
  if (provider.apiVersion) {
    notes.error(`${path}.apiVersion`, 'is for api "azure-openai" alone');
  }
  if (!provider.apiKey) return;
  for (const key of ['project', 'location'] as const) {
    if (provider[key]) {
      notes.error(
        `${path}.${key}`,
        'is not for express mode, which an `apiKey` means: leave one of the two out',
      );
    }
  }
}
