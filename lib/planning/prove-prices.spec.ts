import { describe, expect, it } from 'vitest';
import { readConfiguration } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { createSandbox } from '../testing/index.js';
import { compilePolicy } from './index.js';
import { isOwnHost } from './prove-prices.js';

const at = (baseUrl: string, api = 'openai-compatible') => ({ api, baseUrl, apiKey: 'k' });
const PROVIDERS = {
  openai: { api: 'openai', apiKey: 'k' },
  azure: at('https://name.openai.azure.com', 'azure-openai'),
  home: at('http://127.0.0.1:1/v1'),
  deepseek: at('https://api.deepseek.com'),
  host: at('https://inference.example.com/v1'),
};
const own = { contextWindow: 1_000, capabilities: ['streaming'], quality: 0.5 };

function compile(models: Record<string, object>, rest: object = {}) {
  const [name] = Object.keys(models);
  const routingRules = { simple_queries: { primary: name } };
  return compilePolicy(readConfiguration({ providers: PROVIDERS, models, routingRules, ...rest }, {}));
}
const warningsOf = (models: Record<string, object>) =>
  compile(models)
    .warnings.filter(({ path }) => path.includes('price'))
    .map(({ path, message }) => `${path} ${message.replace(/ \(counted as written.*\)$/, '')}`);
const priceOf = (models: Record<string, object>) =>
  compile(models).policy.models.get(Object.keys(models)[0]!)?.deployments[0]?.price;
const price = (inputPer1M: number, outputPer1M: number, extra: object = {}) => ({
  price: { inputPer1M, outputPer1M, ...extra },
});

describe('prices at boot', () => {
  it('are silent about plausible ones', () => {
    expect(warningsOf({ m: { ...own, provider: 'host', ...price(1, 2) } })).toEqual([]);
    expect(warningsOf({ m: { ...own, provider: 'home', ...price(0, 0) } })).toEqual([]);
    expect(warningsOf({ m: { ...own, provider: 'host', ...price(0, 0) } })).toEqual([]);
    expect(warningsOf({ 'gpt-4o': price(2, 8) })).toEqual([]);
    expect(
      warningsOf({ mirror: { ...own, provider: 'home', upstreamModel: 'gpt-4o', ...price(0, 0) } }),
    ).toEqual([]);
    expect(
      warningsOf({
        m: { ...own, provider: 'home', ...price(0, 0) },
        'text-embedding-3-small': price(0.02, 0),
      }),
    ).toEqual([]);
  });

  it('name what looks like a slip, by its path', () => {
    expect(warningsOf({ 'gpt-4o': price(0.0025, 0.01) })).toEqual([
      "models.gpt-4o.price looks odd: inputPer1M 0.0025 is 1000 times off the catalogue's 2.5: is it per 1,000 tokens?",
      "models.gpt-4o.price looks odd: outputPer1M 0.01 is 1000 times off the catalogue's 10: is it per 1,000 tokens?",
    ]);
    expect(warningsOf({ 'gpt-4o': price(0, 0) })).toEqual([
      'models.gpt-4o.price looks odd: is 0, at a provider that charges',
    ]);
    expect(warningsOf({ m: { ...own, provider: 'deepseek', ...price(0, 0) } })).toHaveLength(1);
    const deployments = [{ provider: 'host', ...price(2, 1) }, { provider: 'home' }, { provider: 'host' }];
    expect(warningsOf({ m: { ...own, deployments, ...price(1, 2, { cachedInputPer1M: 0 }) } })).toEqual([
      'models.m.deployments[0].price looks odd: output (1) is cheaper than input (2)',
      'models.m.price looks odd: cached input is free, input is not',
    ]);
  });

  it('compare with the list price of the model that is called', () => {
    const upstreamModel = 'gpt-4o-mini';
    expect(warningsOf({ 'gpt-4': { upstreamModel, ...price(0.15, 0.6) } })).toEqual([]);
    expect(warningsOf({ 'gpt-4': { upstreamModel, ...price(0.00015, 0.0006) } })[0]).toContain(
      "1000 times off the catalogue's 0.15",
    );
    // A host's own spelling of the name.
    expect(
      warningsOf({ 'gpt-4o': { provider: 'host', upstreamModel: 'openai/gpt-4o', ...price(0.0025, 0.01) } }),
    ).toHaveLength(2);
    // On Azure the owner names the deployments, after another model if he likes.
    expect(warningsOf({ 'gpt-4': { provider: 'azure', upstreamModel, ...price(30, 60) } })).toEqual([]);
    expect(warningsOf({ 'gpt-4': { provider: 'azure', upstreamModel, ...price(0.03, 0.06) } })).toHaveLength(
      2,
    );
    const deployments = [{ provider: 'openai', upstreamModel, ...price(0.15, 0.6) }, { provider: 'openai' }];
    expect(warningsOf({ 'gpt-4': { deployments, ...price(30, 60) } })).toEqual([]);
  });

  it('cost what the model that is called costs, where none is written', () => {
    const upstreamModel = 'gpt-4o-mini';
    expect(priceOf({ 'gpt-4': { upstreamModel } })).toMatchObject({ inputPer1M: 0.15, outputPer1M: 0.6 });
    expect(priceOf({ 'gpt-4': { provider: 'azure', upstreamModel } })).toMatchObject({ inputPer1M: 30 });
    expect(priceOf({ 'gpt-4': { upstreamModel: 'my-gpt' } })).toMatchObject({ inputPer1M: 30 });
  });

  it('do not stop a strict boot where they are merely odd, only where they are unknown', () => {
    const strict = { strict: true };
    // Provisioned throughput is paid by the hour: true, and odd.
    const { warnings } = compile({ 'gpt-4o': { provider: 'azure', ...price(0, 0) } }, strict);
    expect(warnings).toEqual([
      {
        path: 'models.gpt-4o.price',
        message: 'looks odd: is 0, at a provider that charges (counted as written; `strict` lets it pass)',
      },
    ]);
    expect(() => compile({ m: { ...own, provider: 'host' } }, strict)).toThrow(ConfigurationError);
    expect(() => compile({ 'gpt-4o': price(2, 8) }, strict)).not.toThrow();
  });

  it('leave the sandbox without a warning', async () => {
    const sandbox = await createSandbox();
    try {
      const { warnings } = compilePolicy(readConfiguration(sandbox.config, {}));
      expect(warnings.filter(({ message }) => message.includes('odd'))).toEqual([]);
    } finally {
      await sandbox.close();
    }
  });

  it('take steps for long prompts, and refuse those out of order', () => {
    const step = (aboveInputTokens: number) => ({ aboveInputTokens, inputPer1M: 4, outputPer1M: 16 });
    const stepped = (...longContext: object[]) => ({
      m: { ...own, provider: 'host', ...price(2, 8, { longContext }) },
    });
    expect(priceOf(stepped(step(10), step(20)))?.longContext).toMatchObject([step(10), step(20)]);
    for (const steps of [
      [step(20), step(10)],
      [step(10), step(10)],
    ]) {
      expect(() => compile(stepped(...steps))).toThrow(/models\.m\.price\.longContext: must go up/);
    }
    expect(() => compile(stepped({ ...step(10), inputPer1M: -1 }))).toThrow(
      /longContext\[0\]\.inputPer1M: must be a number of at least 0/,
    );
    expect(() => compile(stepped({ ...step(10), abovInputTokens: 3 }))).toThrow(
      /Did you mean "aboveInputTokens"/,
    );
  });

  it("of open weights are the maker's at the maker's own API alone", () => {
    expect(priceOf({ 'deepseek-v4-flash': { provider: 'deepseek' } })).toMatchObject({ inputPer1M: 0.14 });
    expect(priceOf({ 'deepseek-v4-flash': { provider: 'host' } })).toBeUndefined();
    expect(warningsOf({ 'deepseek-v4-flash': { provider: 'host' } })[0]).toContain('price unknown');
    // Nobody but xAI sets the price of what only xAI has.
    expect(priceOf({ 'grok-4.3': { provider: 'host' } })).toMatchObject({ inputPer1M: 1.25 });
  });
});

describe('embeddings models', () => {
  it('are refused where chat is routed', () => {
    const rules = (primary: unknown) => ({ routingRules: { simple_queries: { primary } } });
    expect(() => compile({}, rules('text-embedding-3-small'))).toThrow(
      /makes embeddings and answers no chat/,
    );
    expect(() =>
      compile({}, { ...rules('gpt-4o'), surfaces: { s: { pin: 'text-embedding-3-small' } } }),
    ).toThrow(/surfaces\.s: .*makes embeddings/);
  });

  it('are no baseline', () => {
    const mine = { ...own, provider: 'host', capabilities: ['embeddings'], ...price(0.02, 0) };
    for (const baseline of ['text-embedding-3-small', 'mine']) {
      expect(() => compile({ 'gpt-4o': price(2, 8), mine }, { baseline })).toThrow(
        new RegExp(`baseline: "${baseline}" makes embeddings and answers no chat`),
      );
    }
  });
});

describe('isOwnHost', () => {
  it.each([
    'http://127.0.0.1:1/v1',
    'http://localhost:11434',
    'http://[::1]:80',
    'http://10.1.2.3',
    'http://172.20.0.2',
    'http://192.168.1.1',
    'http://ollama:11434/v1',
    'http://gpu.local',
    'http://llm.corp.internal',
    'http://[fd00::1]/v1',
  ])('%s is', (url) => {
    expect(isOwnHost(url)).toBe(true);
  });
  it.each([
    'https://api.openai.com/v1',
    'http://172.32.0.1',
    'http://8.8.8.8',
    'https://local.example.com',
    'http://[2606:4700::1]',
    'x',
  ])('%s is not', (url) => {
    expect(isOwnHost(url)).toBe(false);
  });
});
