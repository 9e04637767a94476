import { describe, expect, it } from 'vitest';
import { fillFromAwsEnvironment } from './aws-environment.js';
import type { ProviderOptions } from './options/provider.options.js';

function filled(provider: Partial<ProviderOptions>, environment: NodeJS.ProcessEnv = {}): ProviderOptions {
  const options: ProviderOptions = { api: 'bedrock', ...provider };
  expect(fillFromAwsEnvironment(options, environment)).toEqual([]);
  return options;
}

describe('fillFromAwsEnvironment', () => {
  it('takes what the options leave open, and nothing else', () => {
    const environment = { AWS_BEARER_TOKEN_BEDROCK: 'token', AWS_REGION: 'us-east-1' };
    expect(filled({}, environment)).toMatchObject({ apiKey: 'token', region: 'us-east-1' });
    expect(filled({ apiKey: 'own', region: 'eu-west-3' }, environment)).toMatchObject({
      apiKey: 'own',
      region: 'eu-west-3',
    });
    expect(filled({ apiKeys: ['own'] }, environment).apiKey).toBeUndefined();
    expect(filled({ api: 'anthropic' }, environment)).toEqual({ api: 'anthropic' });
    expect(filled({}, { AWS_REGION: '', AWS_DEFAULT_REGION: 'ap-southeast-2' }).region).toBe(
      'ap-southeast-2',
    );
    expect(filled({}).region).toBeUndefined();
  });

  it.each([
    ['https://bedrock-runtime.us-west-2.amazonaws.com', 'us-west-2'],
    ['https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/', 'us-gov-west-1'],
    ['https://bedrock-runtime.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['https://vpce-0a1b-2c3d.bedrock-runtime.eu-west-1.vpce.amazonaws.com', 'eu-west-1'],
    ['https://gateway.example.com', 'us-east-1'],
    ['https://bedrock-runtime.us-west-2.amazonaws.com.evil.example', 'us-east-1'],
  ])('signs for the region in the address %s: %s', (baseUrl, region) => {
    expect(filled({ baseUrl }, { AWS_REGION: 'us-east-1' }).region).toBe(region);
  });

  it('names the variable that holds no region', () => {
    const provider: ProviderOptions = { api: 'bedrock' };
    expect(fillFromAwsEnvironment(provider, { AWS_DEFAULT_REGION: 'home' })).toMatchObject([
      { path: 'AWS_DEFAULT_REGION' },
    ]);
    expect(provider.region).toBeUndefined();
  });
});
