import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/configuration-error.js';
import { compileOptions } from './compile-options.js';
import type { PolicyBaseline } from './policy-snapshot.js';

function compile(baseline: unknown, models: Record<string, object> = {}): PolicyBaseline | undefined {
  return compileOptions(
    {
      providers: { one: { api: 'openai', apiKey: 'k' }, two: { api: 'openai', apiKey: 'k' } },
      models,
      routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
      baseline,
    },
    {},
  ).policy.baseline;
}

function issuesOf(baseline: unknown, models: Record<string, object> = {}): ConfigurationError['issues'] {
  try {
    compile(baseline, models);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

describe('baseline', () => {
  it('has the price of the catalogue, or the one configured over it', () => {
    expect(compile('gpt-4')).toEqual({
      model: 'gpt-4',
      price: expect.objectContaining({ inputPer1M: 30, outputPer1M: 60 }) as object,
    });
    const price = { inputPer1M: 1, outputPer1M: 2 };
    expect(compile('gpt-4', { 'gpt-4': { price } })).toEqual({
      model: 'gpt-4',
      price: expect.objectContaining(price) as object,
    });
    expect(compile('mine', { mine: { provider: 'one', price } })?.model).toBe('mine');
  });

  it('may be an alias, and a model that nobody serves', () => {
    const found = compile('claude-opus');
    expect(found?.model).toMatch(/^claude-opus-/);
    expect(found?.price.outputPer1M).toBeGreaterThan(0);
  });

  it('is the cheapest of its deployments', () => {
    const deployments = [
      { provider: 'one', price: { inputPer1M: 9, outputPer1M: 9 } },
      { provider: 'two', price: { inputPer1M: 3, outputPer1M: 3 } },
      { provider: 'two', price: { inputPer1M: 6, outputPer1M: 6 } },
    ];
    expect(compile('mine', { mine: { deployments } })?.price.inputPer1M).toBe(3);
  });

  it('is none unless configured', () => {
    expect(compile(undefined)).toBeUndefined();
  });

  it('stops the boot where the model is unknown or has no price', () => {
    expect(issuesOf('gpt-4-trubo')).toEqual([
      { path: 'baseline', message: expect.stringContaining('Did you mean "gpt-4-turbo"') as string },
    ]);
    expect(issuesOf('mine', { mine: { provider: 'one' } })).toEqual([
      { path: 'baseline', message: expect.stringContaining('models.mine.price') as string },
    ]);
    expect(issuesOf(5)).toMatchObject([{ path: 'baseline' }]);
  });
});
