import { describe, expect, it } from 'vitest';
import type { ProviderOptions } from '../config/index.js';
import { authorizerFor } from './authorizer-for.js';

const bedrock = { api: 'bedrock', region: 'us-east-1' } as const satisfies ProviderOptions;

describe('authorizerFor', () => {
  it('signs for Bedrock alone, and only without a key', () => {
    expect(authorizerFor(bedrock, undefined)).toBeDefined();
    expect(authorizerFor({ ...bedrock, apiKey: 'k' }, undefined)).toBeUndefined();
    expect(authorizerFor({ api: 'anthropic', apiKey: 'k' }, undefined)).toBeUndefined();
  });
});
