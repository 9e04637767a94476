import type { ProviderOptions } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { AwsRequestAuthorizer } from './bedrock/aws-request-authorizer.js';
import { missingBedrockPackages } from './bedrock/bedrock-packages.js';
import type { RequestAuthorizer } from './request-authorizer.js';
import { GoogleAuthorizer } from './vertex/google-authorizer.js';
import type { VertexSettings } from './vertex/vertex-settings.js';

/**
 * What lets a provider's requests in where that is more than its key; undefined where the key is enough.
 *
 * @param name - The provider's name in the configuration.
 * @param options - Where at Vertex AI; and `missingPackages`, which looks what is not installed.
 * @throws {@link ConfigurationError} where a package that it needs is not installed.
 */
export function authorizerFor(
  name: string,
  provider: ProviderOptions,
  {
    vertex,
    missingPackages = missingBedrockPackages,
  }: { readonly vertex?: VertexSettings; readonly missingPackages?: typeof missingBedrockPackages } = {},
): RequestAuthorizer | undefined {
  if (vertex !== undefined) {
    // In express mode the key is enough.
    return vertex.isExpress ? undefined : new GoogleAuthorizer({ project: vertex.project });
  }
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
