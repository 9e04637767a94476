import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LlmRequestContext } from './llm-request-context.js';
import { mergeLlmContext } from './merge-llm-context.js';

const context = fc.record(
  {
    surface: fc.constantFrom('support', 'legal', undefined),
    workload: fc.constantFrom('interactive' as const, 'background' as const, undefined),
    tenant: fc.constantFrom('acme', undefined),
    deadlineMs: fc.constantFrom(1_000, undefined),
    qualityFloor: fc.constantFrom(0.5, 0.9, undefined),
    maxOutputTokens: fc.constantFrom(100, 200, undefined),
  },
  { requiredKeys: [] },
);

const defined = (value: LlmRequestContext): LlmRequestContext =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));

describe('mergeLlmContext', () => {
  it('tightens limits on the way in, and takes those of another surface for none of its own', () => {
    fc.assert(
      fc.property(context, context, (outer, inner) => {
        const isOther = inner.surface !== undefined && inner.surface !== outer.surface;
        const { qualityFloor, maxOutputTokens, ...circumstances } = outer;
        const floors = [inner.qualityFloor, isOther ? undefined : qualityFloor].filter(
          (each) => each !== undefined,
        );
        const caps = [inner.maxOutputTokens, isOther ? undefined : maxOutputTokens].filter(
          (each) => each !== undefined,
        );
        expect(defined(mergeLlmContext(outer, inner))).toEqual({
          ...defined(circumstances),
          ...defined(inner),
          ...(floors.length > 0 ? { qualityFloor: Math.max(...floors) } : {}),
          ...(caps.length > 0 ? { maxOutputTokens: Math.min(...caps) } : {}),
        });
      }),
    );
  });

  it('changes neither', () => {
    const outer = Object.freeze({ surface: 'support', qualityFloor: 0.5 });
    expect(mergeLlmContext(outer, Object.freeze({ surface: 'legal' }))).toMatchObject({ surface: 'legal' });
  });
});
