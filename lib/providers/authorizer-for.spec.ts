import { describe, expect, it } from 'vitest';
import type { ProviderOptions } from '../config/index.js';
import { authorizerFor } from './authorizer-for.js';
import { AwsRequestAuthorizer } from './bedrock/aws-request-authorizer.js';

const bedrock = { api: 'bedrock', region: 'us-east-1' } as const satisfies ProviderOptions;

describe('authorizerFor', () => {
  it('signs for Bedrock alone, and only without a key', () => {
    expect(authorizerFor(bedrock, undefined)).toBeInstanceOf(AwsRequestAuthorizer);
    expect(authorizerFor({ ...bedrock, apiKey: 'k' }, undefined)).toBeUndefined();
    expect(authorizerFor({ ...bedrock, apiKeys: ['k', 'l'] }, undefined)).toBeUndefined();
    expect(authorizerFor({ ...bedrock, apiKey: () => 'k' }, undefined)).toBeUndefined();
    expect(authorizerFor({ api: 'anthropic', apiKey: 'k' }, undefined)).toBeUndefined();
  });
});
