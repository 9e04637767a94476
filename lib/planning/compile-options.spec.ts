import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/configuration-error.js';
import { compileOptions } from './compile-options.js';

function refusalOf(raw: unknown, environment: NodeJS.ProcessEnv = {}): ConfigurationError {
  try {
    compileOptions(raw, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const openai = { api: 'openai', apiKey: 'k' };

describe('compileOptions', () => {
  it('tells misspelt keys and misspelt models together', () => {
    const { issues } = refusalOf({
      providers: { openai },
      routing_rules: { simple_queries: { primary: 'gpt-4o-mimi' } },
      surfcaes: {},
      storage: { type: 'redis' },
    });
    expect(issues.map(({ path }) => path)).toEqual([
      'surfcaes',
      'storage',
      'routingRules.simple_queries.primary',
    ]);
    expect(issues[2]?.message).toContain('Did you mean "gpt-4o-mini"?');
  });

  it('names misspelt models beside values of a wrong type, and says that more may follow', () => {
    const { issues, message } = refusalOf({
      providers: { openai },
      routingRules: { simple_queries: { primary: 42, fallback: 'gpt-4o-mni' } },
      surfaces: { support: { pin: 'gpt-4o' } },
    });
    expect(issues.map(({ path }) => path)).toEqual([
      'routingRules.simple_queries.primary',
      'routingRules.simple_queries.fallback',
    ]);
    expect(issues[1]?.message).toContain('Did you mean "gpt-4o-mini"?');
    expect(message).toMatch(/\nMore may follow once these are mended\.$/);
  });

  it('quotes no value of the environment, even one that stands where a model should', () => {
    const error = refusalOf(
      { providers: { openai }, routingRules: { simple_queries: { primary: '${THE_KEY}' } } },
      { THE_KEY: 'sk-canary-0123456789' },
    );
    expect(error.message).toContain('${THE_KEY}');
    expect(error.message).not.toContain('canary');
  });

  it('names the variables to set where there is no provider at all', () => {
    const { issues } = refusalOf({ routingRules: { simple_queries: { primary: 'gpt-4o-mini' } } });
    expect(issues[0]).toMatchObject({ path: 'providers' });
    expect(issues[0]?.message).toContain('OPENAI_API_KEY');
  });

  it('serves dated snapshots under their own name, bound to it', () => {
    const { policy } = compileOptions({
      providers: { openai },
      routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    });
    expect(policy.models.get('gpt-4-0613')?.deployments[0]?.upstreamModel).toBe('gpt-4-0613');
    expect(policy.bindingNames.has('gpt-4-0613')).toBe(true);
    expect(policy.bindingNames.has('gpt-4o-mini')).toBe(false);
  });
});
