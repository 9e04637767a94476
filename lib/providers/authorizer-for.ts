import { hasKeys, type ProviderOptions } from '../config/index.js';
import { AwsRequestAuthorizer } from './bedrock/aws-request-authorizer.js';
import type { RequestAuthorizer } from './request-authorizer.js';
import { GoogleAuthorizer } from './vertex/google-authorizer.js';
import type { VertexSettings } from './vertex/vertex-settings.js';

/**
 * What lets a provider's requests in where that is more than its key; undefined where the key is enough.
 *
 * @param vertex - Where at Vertex AI; undefined for all others.
 */
export function authorizerFor(
  provider: ProviderOptions,
  vertex: VertexSettings | undefined,
): RequestAuthorizer | undefined {
  if (vertex !== undefined) {
    // In express mode the key is enough.
    return vertex.isExpress ? undefined : new GoogleAuthorizer({ project: vertex.project });
  }
  // The boot proof has seen to it that there is a region.
  return provider.api === 'bedrock' && !hasKeys(provider)
    ? new AwsRequestAuthorizer({ region: provider.region ?? '' })
    : undefined;
}
