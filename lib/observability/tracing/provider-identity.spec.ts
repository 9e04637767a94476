import { describe, expect, it } from 'vitest';
import type { ProviderOptions } from '../../config/index.js';
import { identityOf } from './provider-identity.js';

function of(options: Partial<ProviderOptions> & Pick<ProviderOptions, 'api'>): ReturnType<typeof identityOf> {
  return identityOf('mine', options, {});
}

describe('who a provider is to OpenTelemetry', () => {
  it.each([
    ['openai', 'openai', 'api.openai.com'],
    ['anthropic', 'anthropic', 'api.anthropic.com'],
    ['gemini', 'gcp.gemini', 'generativelanguage.googleapis.com'],
    ['vertex', 'gcp.vertex_ai', 'aiplatform.googleapis.com'],
    ['mistral', 'mistral_ai', 'api.mistral.ai'],
    ['xai', 'x_ai', 'api.x.ai'],
    ['groq', 'groq', 'api.groq.com'],
    ['openrouter', 'openrouter', 'openrouter.ai'],
  ] as const)('%s is %s at %s', (api, name, address) => {
    expect(of({ api })).toEqual({ name, address, port: 443 });
  });

  it('is at the address of its region', () => {
    expect(of({ api: 'bedrock', region: 'eu-west-1' })).toMatchObject({
      name: 'aws.bedrock',
      address: expect.stringContaining('eu-west-1') as string,
    });
    expect(of({ api: 'vertex', location: 'europe-west4' })).toMatchObject({
      address: expect.stringContaining('europe-west4') as string,
    });
  });

  it('is the configured name where the conventions know none, and what its host says', () => {
    expect(of({ api: 'openai-compatible', baseUrl: 'http://[::1]:8080/v1' })).toEqual({
      name: 'mine',
      address: '::1',
      port: 8080,
    });
    expect(of({ api: 'openai-compatible', baseUrl: 'https://api.deepseek.com' }).name).toBe('deepseek');
    expect(of({ api: 'azure-openai', baseUrl: 'https://acme.openai.azure.com' })).toEqual({
      name: 'azure.ai.openai',
      address: 'acme.openai.azure.com',
      port: 443,
    });
    expect(of({ api: 'ai-sdk' })).toEqual({ name: 'mine', address: undefined, port: undefined });
  });

  it('has nothing of an address that may be secret', () => {
    const identity = of({
      api: 'openai',
      baseUrl: 'http://user:secret@host.example:81/secret?key=secret#secret',
    });
    expect(identity).toEqual({ name: 'openai', address: 'host.example', port: 81 });
  });
});
