import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../chat/index.js';
import { extractFeatures } from '../classification/index.js';
import { compileOptions, type PolicySurface } from '../planning/index.js';
import { type AttemptToCheck, findBrokenLimits } from './find-broken-limits.js';

const { policy } = compileOptions(
  {
    providers: { one: { api: 'openai', apiKey: 'k' } },
    models: {
      good: {
        provider: 'one',
        quality: 0.7,
        safety: 0.8,
        price: { inputPer1M: 1, outputPer1M: 5 },
        contextWindow: 8_000,
        maxOutputTokens: 2_000,
        capabilities: ['streaming'],
        region: 'eu-west-1',
        retentionDays: 30,
      },
      other: { provider: 'one', quality: 0.7, capabilities: ['streaming'] },
    },
    routingRules: {
      simple_queries: { primary: 'good' },
      tight: { primary: 'good', maxCostPer1k: 0.002 },
    },
  },
  {},
);
const [good] = policy.models.get('good')!.deployments;
const [other] = policy.models.get('other')!.deployments;
const features = {
  ...extractFeatures(validateChatRequest({ messages: [{ role: 'user', content: 'x' }], stream: true })),
  inputTokens: 1_000,
};

function check(extra: Partial<AttemptToCheck>, surface: Partial<PolicySurface> = {}): string[] {
  return findBrokenLimits({
    policy,
    surface: { ...policy.defaultSurface, ...surface },
    rule: undefined,
    features,
    deployment: good!,
    maxOutputTokens: undefined,
    spentUsd: 0,
    ...extra,
  });
}

describe('findBrokenLimits', () => {
  it('finds nothing where nothing is broken', () => {
    const surface = {
      qualityFloor: 0.7,
      safetyFloor: 0.8,
      pin: policy.models.get('good'),
      maxCostPerRequest: 1,
      regions: ['us', 'eu'],
      retentionDays: 30,
    };
    expect(check({ rule: policy.rules.get('tight') }, surface)).toEqual([]);
  });

  it.each<[string, Partial<AttemptToCheck>, Partial<PolicySurface>]>([
    ['configured', { deployment: { ...good! } }, {}],
    ['pin', { deployment: other! }, { pin: policy.models.get('good') }],
    ['quality_floor', {}, { qualityFloor: 0.71 }],
    ['safety_floor', { deployment: other! }, { safetyFloor: 0.1 }],
    ['region', {}, { regions: ['us', 'eu-central'] }],
    ['region', { deployment: other! }, { regions: ['us'] }],
    ['retention', {}, { retentionDays: 29 }],
    ['retention', { deployment: other! }, { retentionDays: 365 }],
    ['rule_price', { rule: { ...policy.rules.get('tight')!, maxCostPer1k: 0.0019 } }, {}],
    ['rule_price', { deployment: other!, rule: policy.rules.get('tight')! }, {}],
    ['context_window', { features: { ...features, inputTokens: 8_001 } }, {}],
    ['capability', { features: { ...features, capabilities: ['vision'] } }, {}],
    ['request_cost', {}, { maxCostPerRequest: 0.001 }],
    ['request_cost', { maxOutputTokens: 2_000 }, { maxCostPerRequest: 0.005 }],
    ['request_cost', { maxOutputTokens: 500, spentUsd: 0.0049 }, { maxCostPerRequest: 0.005 }],
  ])('finds a broken %s', (limit, attempt, surface) => {
    expect(check(attempt, surface)).toEqual([limit]);
  });
});
