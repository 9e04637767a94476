import { describe, expect, it } from 'vitest';
import type { ModelCapability } from '../../catalog/index.js';
import type { Demand } from '../demand.js';
import type { PolicyDeployment } from '../policy-snapshot.js';
import { capabilityFilter } from './capability.filter.js';

function check(has: ModelCapability[] | undefined, uses: ModelCapability[]): string | undefined {
  const deployment = { model: { capabilities: has && new Set(has) } } as unknown as PolicyDeployment;
  return capabilityFilter.check(deployment, { features: { capabilities: uses } } as unknown as Demand);
}

describe('capabilityFilter', () => {
  it.each<[string, ModelCapability[] | undefined, ModelCapability[], string | undefined]>([
    ['passes what can do it', ['streaming', 'tools'], ['tools'], undefined],
    ['names what is missing', ['streaming'], ['tools', 'vision'], 'cannot do tools, vision'],
    ['checks nothing undeclared', undefined, ['vision'], undefined],
    ['passes a model that can do nothing special', [], [], undefined],
    ['refuses embeddings alone, whatever is used', ['embeddings'], [], 'makes embeddings, answers no chat'],
    ['passes what makes embeddings besides', ['streaming', 'embeddings'], [], undefined],
  ])('%s', (_name, has, uses, detail) => {
    expect(check(has, uses)).toBe(detail);
  });
});
