import { describe, expect, it } from 'vitest';
import { CATALOG_MODELS, PRESET_NAMES, PROVIDER_PRESETS } from '../catalog/index.js';
import { readConfiguration } from '../config/index.js';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { compilePolicy, type CompiledPolicy } from './index.js';

const compile = (raw: object): CompiledPolicy => compilePolicy(readConfiguration(raw, {}));

function refusalOf(raw: object): readonly ConfigurationIssue[] {
  try {
    compile(raw);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

const one = (provider: object): object => ({
  providers: { one: provider },
  models: { m: { provider: 'one' } },
  routingRules: { simple_queries: { primary: 'm' } },
});
const ruleOf = (model: string): object => ({ simple_queries: { primary: model } });

describe('a provider with a preset', () => {
  it.each(PRESET_NAMES)('%s needs no address, and a key where the preset says so', (api) => {
    expect(refusalOf(one({ api, apiKey: 'k' }))).toEqual([]);
    expect(refusalOf(one({ api, baseUrl: 'http://127.0.0.1:1/v1' }))).toEqual([]);
    expect(refusalOf(one({ api })).map(({ path }) => path)).toEqual(
      PROVIDER_PRESETS[api].keyRequired ? ['providers.one.apiKey'] : [],
    );
  });

  it('is told when its name is misspelt', () => {
    const [issue] = refusalOf(one({ api: 'mistrall', apiKey: 'k' }));
    expect(issue).toMatchObject({ path: 'providers.one.api' });
    expect(issue?.message).toContain('Did you mean "mistral"?');
  });

  const makers = Object.values(PROVIDER_PRESETS).filter(({ maker }) => maker !== undefined);

  it.each(makers)("$name serves its maker's models by their names, at the catalogue's price", (preset) => {
    const own = CATALOG_MODELS.filter(({ maker }) => maker === preset.maker);
    const served = own.filter(({ source }) => source !== 'hosts');
    const { policy } = compile({
      providers: { there: { api: preset.name, apiKey: 'k' } },
      routingRules: ruleOf(served[0]!.name),
    });
    for (const model of own) {
      const deployments = policy.models.get(model.name)?.deployments ?? [];
      expect(
        deployments.map(({ provider, upstreamModel, price }) => ({ provider, upstreamModel, price })),
      ).toEqual(
        served.includes(model) ? [{ provider: 'there', upstreamModel: model.name, price: model.price }] : [],
      );
    }
  });

  it('serves nothing of the catalogue where it is nobody maker, or only at the host of one', () => {
    for (const provider of [
      { api: 'groq', apiKey: 'k' },
      { api: 'openai-compatible', apiKey: 'k', baseUrl: 'https://api.mistral.ai/v1' },
    ]) {
      const { policy } = compile(one(provider));
      expect([...policy.models.keys()]).toEqual(['m']);
    }
  });

  it('is named to who wants a model that nobody serves', () => {
    const raw = {
      providers: { a: { api: 'openai', apiKey: 'k' } },
      routingRules: ruleOf('mistral-large-2512'),
    };
    expect(JSON.stringify(refusalOf(raw))).toContain('api \\"mistral\\"');
    const hosted = { providers: { a: { api: 'openai', apiKey: 'k' } }, routingRules: ruleOf('gpt-oss-120b') };
    expect(JSON.stringify(refusalOf(hosted))).not.toContain('add a provider with api');
  });

  it('is not planned for what it lacks, with models that think or with any', () => {
    const lackedAt = (provider: object, capabilities: string[]): string[] => {
      const models = { m: { provider: 'one', capabilities: ['streaming', ...capabilities] } };
      const { policy } = compile({ ...one(provider), models });
      return [...(policy.models.get('m')?.deployments[0]?.unsupportedParameters ?? [])].sort();
    };
    const alone = ['audio_output', 'custom_tools', 'functions', 'web_search_options'];
    const moonshot = { api: 'moonshot', apiKey: 'k' };
    expect(lackedAt(moonshot, [])).toEqual(alone);
    expect(lackedAt(moonshot, ['reasoning'])).toEqual(
      [...alone, 'frequency_penalty', 'n', 'presence_penalty'].sort(),
    );
    const groq = [...alone, 'logit_bias', 'n', 'verbosity'].sort();
    expect(lackedAt({ api: 'groq', apiKey: 'k' }, [])).toEqual(groq);
    expect(
      lackedAt({ api: 'openai-compatible', baseUrl: 'https://api.groq.com/openai/v1' }, ['reasoning']),
    ).toEqual(groq);
    expect(lackedAt({ api: 'openrouter', apiKey: 'k' }, ['reasoning'])).toEqual([]);
    expect(lackedAt({ api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' }, [])).toEqual([]);
  });

  it('is asked for a price of 0 only where it surely charges', () => {
    const remarksOf = (provider: object): number => {
      const models = {
        m: {
          provider: 'one',
          price: { inputPer1M: 0, outputPer1M: 0 },
          contextWindow: 1_000,
          capabilities: ['streaming'],
          quality: 0.5,
        },
      };
      return compile({ ...one(provider), models }).warnings.length;
    };
    expect(remarksOf({ api: 'groq', apiKey: 'k' })).toBe(1);
    expect(remarksOf({ api: 'groq', baseUrl: 'http://127.0.0.1:1/v1' })).toBe(0);
    expect(remarksOf({ api: 'ollama' })).toBe(0);
    expect(remarksOf({ api: 'vllm', baseUrl: 'https://vllm.example.com/v1' })).toBe(0);
  });
});
