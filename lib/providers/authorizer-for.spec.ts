import { describe, expect, it } from 'vitest';
import type { ProviderOptions } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { authorizerFor } from './authorizer-for.js';

const bedrock = { api: 'bedrock', region: 'us-east-1' } as const satisfies ProviderOptions;

describe('authorizerFor', () => {
  it('signs for Bedrock alone, and only without a key', () => {
    expect(authorizerFor('aws', bedrock)).toBeDefined();
    expect(authorizerFor('aws', { ...bedrock, apiKey: 'k' })).toBeUndefined();
    expect(authorizerFor('a', { api: 'anthropic', apiKey: 'k' })).toBeUndefined();
  });

  it('stops the boot where packages are missing, and says how to get them', () => {
    const run = (): unknown =>
      authorizerFor('aws', bedrock, () => ['@smithy/eventstream-codec', '@smithy/signature-v4']);
    expect(run).toThrow(ConfigurationError);
    expect(run).toThrow(
      'providers.aws.api: api "bedrock" without an `apiKey` needs: npm install @smithy/eventstream-codec @smithy/signature-v4',
    );
    const withKey = (): unknown =>
      authorizerFor('aws', { ...bedrock, apiKey: 'k' }, () => ['@smithy/eventstream-codec']);
    expect(withKey).toThrow('providers.aws.api: api "bedrock" needs: npm install @smithy/eventstream-codec');
  });
});
