import { describe, expect, it } from 'vitest';
import type { ProviderOptions } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { checkPackages } from './check-packages.js';

const bedrock = { api: 'bedrock', region: 'us-east-1' } as const satisfies ProviderOptions;
const missing =
  (...names: string[]) =>
  () =>
    Promise.resolve(names);

describe('checkPackages', () => {
  it('finds all of them in development, and looks for nothing that nobody needs', async () => {
    await expect(checkPackages({ providers: { aws: bedrock } })).resolves.toBeUndefined();
    const others = { openai: { api: 'openai', apiKey: 'k' } } as const;
    await expect(checkPackages({ providers: others }, missing('all'))).resolves.toBeUndefined();
  });

  it('stops the boot where packages are missing, and says how to get them', async () => {
    const unsigned = checkPackages(
      { providers: { aws: bedrock } },
      missing('@smithy/eventstream-codec', '@smithy/signature-v4'),
    );
    await expect(unsigned).rejects.toBeInstanceOf(ConfigurationError);
    await expect(unsigned).rejects.toThrow(
      'providers.aws.api: api "bedrock" without an `apiKey` needs: npm install @smithy/eventstream-codec @smithy/signature-v4',
    );
    const withKey = { aws: { ...bedrock, apiKey: 'k' } };
    await expect(checkPackages({ providers: withKey }, missing('@smithy/eventstream-codec'))).rejects.toThrow(
      'providers.aws.api: api "bedrock" needs: npm install @smithy/eventstream-codec',
    );
  });
});
