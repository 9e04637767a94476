import { describe, expect, it } from 'vitest';
import { compileOptions } from './compile-options.js';
import { ownTimeouts, shortestTimeouts } from './own-timeouts.js';

describe('ownTimeouts', () => {
  it('takes each from the first that sets it: a deployment before its model', () => {
    const deployment = { firstTokenMs: 900, idleMs: undefined };
    const model = { firstTokenMs: 100, idleMs: 700 };
    expect(ownTimeouts(deployment, model)).toEqual({ firstTokenMs: 900, idleMs: 700 });
  });

  it('is empty where none says anything', () => {
    expect(ownTimeouts()).toEqual({});
    expect(ownTimeouts(undefined, null, {})).toEqual({});
  });
});

describe('shortestTimeouts', () => {
  it('takes each from whoever sets the shortest', () => {
    expect(
      shortestTimeouts(
        { connectMs: 5, firstTokenMs: 900 },
        { firstTokenMs: 300, maxStreamMs: 7 },
        { firstTokenMs: 400, connectMs: 9 },
      ),
    ).toEqual({ connectMs: 5, firstTokenMs: 300, maxStreamMs: 7 });
  });

  it('is empty where none says anything', () => {
    expect(shortestTimeouts()).toEqual({});
    expect(shortestTimeouts({}, { idleMs: undefined })).toEqual({});
  });
});

describe('the timeouts of a deployment in the policy', () => {
  it("are its own before its model's, and the tier and the surface keep theirs", () => {
    const { policy } = compileOptions(
      {
        providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
        models: {
          m: {
            timeouts: { firstTokenMs: 100, idleMs: 200 },
            deployments: [{ provider: 'one', timeouts: { firstTokenMs: 900 } }, { provider: 'one' }],
          },
        },
        routingRules: { simple_queries: { tiers: [{ models: 'm', timeouts: { connectMs: 3 } }] } },
        surfaces: { s: { timeouts: { maxStreamMs: 4 } } },
      },
      {},
    );
    expect(policy.models.get('m')?.deployments.map(({ timeouts }) => timeouts)).toEqual([
      { firstTokenMs: 900, idleMs: 200 },
      { firstTokenMs: 100, idleMs: 200 },
    ]);
    expect(policy.rules.get('simple_queries')?.tiers[0]?.timeouts).toEqual({ connectMs: 3 });
    expect(policy.surfaces.get('s')?.timeouts).toEqual({ maxStreamMs: 4 });
    expect(policy.defaultSurface.timeouts).toEqual({});
  });
});
