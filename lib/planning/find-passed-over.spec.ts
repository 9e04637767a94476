import { describe, expect, it } from 'vitest';
import { extractFeatures } from '../classification/index.js';
import { validateChatRequest } from '../chat/index.js';
import { compileOptions } from './compile-options.js';
import { createPlan } from './create-plan.js';
import { findPassedOver } from './find-passed-over.js';
import { type DeploymentSignals, UNKNOWN_SIGNALS } from './signals-snapshot.js';

const { policy, configuration } = compileOptions(
  {
    providers: { p: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [name, { provider: 'p', maxConcurrency: 10 }]),
    ),
    routingRules: { simple_queries: { primary: ['a', 'b'], fallback: 'c', emergency: 'd' } },
  },
  {},
);

const FAILING = {
  samples: 5,
  errorRate: 1,
  breaker: 'open',
  breakerShare: 0,
  breakerUntilMs: 3_000,
} as const;
const RESTING = { restingUntilMs: 2_000 };
const IN_ALERT = { inAlert: true, inCriticalAlert: true };
const FULL = { inFlight: 10 };

function passedOver(signals: Record<string, Partial<DeploymentSignals>>): string[] {
  const request = validateChatRequest(
    { messages: [{ role: 'user', content: 'Hello' }] },
    configuration.limits,
  );
  return findPassedOver(
    createPlan({
      features: extractFeatures(request),
      classification: { class: 'simple_queries', score: 0 },
      requestedModel: 'auto',
      circumstances: {
        surface: policy.defaultSurface,
        workload: 'interactive',
        deadlineMs: undefined,
        deadlineLimitMs: undefined,
      },
      policy,
      signals: { of: (id) => ({ ...UNKNOWN_SIGNALS, ...signals[id.slice(2)] }) },
      nowMs: 1_000,
      random: () => 0.5,
    }),
  );
}

describe('findPassedOver', () => {
  it.each<[string, Record<string, Partial<DeploymentSignals>>, string[]]>([
    ['none of them where all are well', {}, []],
    ['a failing peer', { a: FAILING }, ['p/a']],
    ['a resting peer', { b: RESTING }, ['p/b']],
    ['a whole tier before', { a: FAILING, b: RESTING }, ['p/a', 'p/b']],
    ['nobody in a later tier', { c: FAILING, d: RESTING }, []],
    ['nobody who is merely at capacity', { a: FULL, b: FULL }, []],
    ['one that is at capacity because it fails', { a: { ...FULL, ...FAILING } }, ['p/a']],
    ['one that a critical alert turns away', { a: IN_ALERT }, ['p/a']],
    ['one in a critical alert that is slow as well', { a: { ...IN_ALERT, isSlow: true } }, ['p/a']],
    ['nobody where all are down: they are called', { a: FAILING, b: FAILING, c: FAILING, d: FAILING }, []],
  ])('names %s', (_, signals, expected) => {
    expect(passedOver(signals).toSorted()).toEqual(expected);
  });
});
