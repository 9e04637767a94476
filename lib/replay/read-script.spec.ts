import { describe, expect, it } from 'vitest';
import { compileOptions } from '../planning/index.js';
import { ASSUMED_BEHAVIOUR, type DeploymentBehaviour } from './deployment-behaviour.js';
import { betweenQuantiles, logNormal } from './distribution.js';
import { assumedDeployments, buildWorld, readScript } from './read-script.js';
import { SeededRandom } from './seeded-random.js';

const { policy } = compileOptions(
  {
    providers: Object.fromEntries(
      ['one', 'two'].map((name) => [name, { api: 'openai-compatible', baseUrl: `http://${name}.example` }]),
    ),
    models: { a: { deployments: [{ provider: 'one' }, { provider: 'two' }] }, b: { provider: 'two' } },
    routingRules: { simple_queries: { primary: 'a', fallback: 'b' } },
  },
  {},
);

function worldOf(script: unknown, recorded = new Map<string, DeploymentBehaviour>()) {
  return buildWorld({ script: readScript(script), recorded, policies: [policy] });
}

describe('readScript', () => {
  it('reads both spellings, and fills in the times of an event', () => {
    const script = readScript({
      deployments: { 'one/a': { time_to_first_token: { median_ms: 300 }, tokensPerSecond: 90 } },
      events: [{ kind: 'outage' }],
    });
    expect(script.deployments?.['one/a']?.timeToFirstToken?.medianMs).toBe(300);
    expect(script.events?.[0]).toMatchObject({ kind: 'outage', fromMs: 0 });
  });

  it.each([
    [{ deploymnts: {} }, 'deploymnts: unknown key. Did you mean "deployments"?'],
    [
      { deployments: { x: { timeToFirstToken: {} } } },
      'deployments.x.timeToFirstToken: give either `medianMs`',
    ],
    [{ deployments: { x: { timeToFirstToken: { medianMs: 1, p50Ms: 2 } } } }, 'give either `medianMs`'],
    [{ deployments: { x: { timeToFirstToken: { p50Ms: 3, p95Ms: 2 } } } }, 'a higher percentile is lower'],
    [{ deployments: { x: { errorRate: 20 } } }, 'deployments.x.errorRate: must be a number from 0 to 1'],
    [{ events: [{ kind: 'brownout' }] }, 'events[0].kind: must be one of "brown_out"'],
    [{ events: [{ kind: 'brown_out' }] }, 'events[0].factor: is required for a `brown_out`'],
    [{ events: [{ kind: 'outage', fromMs: 5, toMs: 5 }] }, 'events[0].toMs: must be after `fromMs`'],
  ])('refuses %j', (script, message) => {
    expect(() => readScript(script)).toThrow(message);
  });
});

describe('buildWorld', () => {
  it('finds deployments by their id, and by the names of providers and models', () => {
    const { behaviours, events } = worldOf({
      deployments: { a: { capacity: 3 }, 'two/a': { capacity: 4 } },
      events: [
        { deployment: 'two', kind: 'outage', fromMs: 10, toMs: 20 },
        { kind: 'brown_out', factor: 2 },
      ],
    });
    expect(behaviours.get('one/a')?.capacity).toBe(3);
    expect(behaviours.get('two/a')?.capacity).toBe(4);
    expect(behaviours.has('two/b')).toBe(false);
    expect(events.map(({ deployment }) => deployment)).toEqual(['two/a', 'two/b', undefined]);
    expect(events[2]).toMatchObject({ fromMs: 0, toMs: Number.POSITIVE_INFINITY, change: { factor: 2 } });
  });

  it('refuses names that nobody has', () => {
    expect(() => worldOf({ deployments: { 'one/aa': {} } })).toThrow(
      'deployments.one/aa: there is no deployment, provider or model of this name. Did you mean "one/a"?',
    );
    expect(() => worldOf({ events: [{ deployment: 'three', kind: 'outage' }] })).toThrow(
      'events[0].deployment',
    );
  });

  it('puts the script over what was recorded, and that over what is assumed', () => {
    const slots = { lengthMs: 1, paces: new Map() };
    const recorded = new Map([
      ['one/a', { ...ASSUMED_BEHAVIOUR, timeToFirstTokenMs: logNormal(70, 0), errorRate: 0.1, slots }],
    ]);
    const world = worldOf(
      { deployments: { 'one/a': { capacity: 2 }, b: { tokensPerSecond: 10 } } },
      recorded,
    );
    expect(world.behaviours.get('one/a')).toMatchObject({ capacity: 2, errorRate: 0.1, slots });
    expect(world.behaviours.get('one/a')?.timeToFirstTokenMs.median).toBe(70);
    expect(world.behaviours.get('two/b')?.tokensPerSecond.median).toBe(10);
    expect(world.behaviours.get('two/b')?.timeToFirstTokenMs.median).toBe(500);
    const told = worldOf({ deployments: { 'one/a': { errorRate: 0 } } }, recorded);
    expect(told.behaviours.get('one/a')).toMatchObject({ errorRate: 0 });
    expect(told.behaviours.get('one/a')?.slots).toBeUndefined();
    expect(assumedDeployments(world, ['one/a', 'two/a', 'two/b'])).toEqual(['two/a']);
  });
});

describe('distributions', () => {
  it('keep their percentiles', () => {
    const known = betweenQuantiles([
      { share: 0.5, value: 400 },
      { share: 0.95, value: 1_000 },
      { share: 0.99, value: 3_000 },
    ]);
    const random = new SeededRandom(3);
    const drawn = Array.from({ length: 20_000 }, () => known.draw(random)).sort(
      (first, second) => first - second,
    );
    const at = (share: number): number => drawn[Math.floor(share * drawn.length)] ?? 0;
    expect(at(0.5) / 400).toBeCloseTo(1, 1);
    expect(at(0.95) / 1_000).toBeCloseTo(1, 1);
    expect(drawn[0]).toBe(400);
    expect(drawn.at(-1)).toBe(3_000);
    expect(known.median).toBe(400);
  });

  it('of a log-normal factor have the median', () => {
    const random = new SeededRandom(4);
    const drawn = Array.from({ length: 20_000 }, () => logNormal(300, 0.35).draw(random)).sort(
      (first, second) => first - second,
    );
    expect(drawn[10_000]! / 300).toBeCloseTo(1, 1);
    expect(drawn[19_000]! / (300 * Math.exp(0.35 * 1.645))).toBeCloseTo(1, 1);
    expect(logNormal(300, 0).draw(random)).toBe(300);
  });
});
