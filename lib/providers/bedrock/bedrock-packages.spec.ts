import { describe, expect, it } from 'vitest';
import { loadBedrockPackage, missingBedrockPackages } from './bedrock-packages.js';

describe('packages of Bedrock', () => {
  it('are all there in development', () => {
    expect(missingBedrockPackages({ isSigning: true })).toEqual([]);
  });

  it('are named where they are missing, those for signatures only where requests are signed', () => {
    const isInstalled = (name: string): boolean => name === '@smithy/signature-v4';
    expect(missingBedrockPackages({ isSigning: false }, isInstalled)).toEqual(['@smithy/eventstream-codec']);
    expect(missingBedrockPackages({ isSigning: true }, isInstalled)).toEqual([
      '@smithy/eventstream-codec',
      '@aws-sdk/credential-provider-node',
      '@aws-crypto/sha256-js',
    ]);
  });

  it('say what to install when one cannot be loaded', async () => {
    const load = (): Promise<never> => Promise.reject(new Error('Cannot find package'));
    await expect(loadBedrockPackage('@smithy/eventstream-codec', load)).rejects.toMatchObject({
      name: 'ProviderError',
      kind: 'not_found',
      providerCode: 'npm install @smithy/eventstream-codec',
    });
  });
});
