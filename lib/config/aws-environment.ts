import type { ConfigurationIssue } from '../errors/configuration-error.js';
import { AWS_REGION_PATTERN } from './aws-region-pattern.js';
import { hasKeys } from './has-keys.js';
import type { ProviderOptions } from './options/provider.options.js';

const KEY_VARIABLE = 'AWS_BEARER_TOKEN_BEDROCK';
const REGION_VARIABLES = ['AWS_REGION', 'AWS_DEFAULT_REGION'];

/**
 * Fills in what a Bedrock provider takes from the environment, as AWS's SDKs do: the API key from
 * `AWS_BEARER_TOKEN_BEDROCK`, the region from its base URL, `AWS_REGION` or `AWS_DEFAULT_REGION`.
 *
 * @returns What is wrong with the environment, by the variable's name.
 */
export function fillFromAwsEnvironment(
  provider: ProviderOptions,
  environment: NodeJS.ProcessEnv,
): readonly ConfigurationIssue[] {
  if (provider.api !== 'bedrock') return [];
  const key = environment[KEY_VARIABLE];
  if (!hasKeys(provider) && key) provider.apiKey = key;
  if (provider.region) return [];
  provider.region = regionIn(provider.baseUrl ?? '');
  const variable = REGION_VARIABLES.find((name) => environment[name]);
  if (provider.region !== undefined || variable === undefined) return [];
  const region = environment[variable] ?? '';
  if (!AWS_REGION_PATTERN.test(region)) {
    return [{ path: variable, message: 'must be a region of AWS such as "us-east-1"' }];
  }
  provider.region = region;
  return [];
}

/** The region in the name of one of AWS's own hosts. */
function regionIn(baseUrl: string): string | undefined {
  const { hostname } = URL.canParse(baseUrl) ? new URL(baseUrl) : { hostname: '' };
  return /(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z\d-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/.exec(
    hostname,
  )?.[1];
}
