import { describe, expect, it } from 'vitest';
import { loadBedrockPackage, missingBedrockPackages } from './bedrock-packages.js';

describe('packages of Bedrock', () => {
  it('are all there in development', async () => {
    expect(await missingBedrockPackages({ isSigning: true })).toEqual([]);
  });

  it('are named where they are missing, those for signatures only where requests are signed', async () => {
    const gone = (): Promise<never> => Promise.reject(new Error('Cannot find package'));
    const loaders = {
      '@smithy/eventstream-codec': gone,
      '@aws-sdk/credential-provider-node': gone,
      '@smithy/signature-v4': () => Promise.resolve({}),
      '@aws-crypto/sha256-js': gone,
    };
    expect(await missingBedrockPackages({ isSigning: false }, loaders)).toEqual([
      '@smithy/eventstream-codec',
    ]);
    expect(await missingBedrockPackages({ isSigning: true }, loaders)).toEqual([
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
