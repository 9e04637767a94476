import type { ProviderOptions } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { AwsRequestAuthorizer } from './bedrock/aws-request-authorizer.js';
import { missingBedrockPackages } from './bedrock/bedrock-packages.js';
import type { RequestAuthorizer } from './request-authorizer.js';

/**
 * What lets a provider's requests in where that is more than its key; undefined where the key is enough.
 *
 * @param name - The provider's name in the configuration.
 * @param missingPackages - Looks what is not installed.
 * @throws {@link ConfigurationError} where a package that it needs is not installed.
 */
export function authorizerFor(
  name: string,
  provider: ProviderOptions,
  missingPackages = missingBedrockPackages,
): RequestAuthorizer | undefined {
  if (provider.api !== 'bedrock') {
    return undefined;
  }
  const isSigning = !provider.apiKey;
  const missing = missingPackages({ isSigning });
  if (missing.length > 0) {
    const message = `api "bedrock" ${isSigning ? 'without an `apiKey` ' : ''}needs: npm install ${missing.join(' ')}`;
    throw new ConfigurationError([{ path: `providers.${name}.api`, message }]);
  }
  // The boot proof has seen to it that there is a region.
  return isSigning ? new AwsRequestAuthorizer({ region: provider.region ?? '' }) : undefined;
}
