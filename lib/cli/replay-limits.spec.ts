import { describe, expect, it } from 'vitest';
import type { ReplayReport, SurfaceReplay } from '../replay/index.js';
import { parseOptions } from './parse-options.js';
import { checkSurfaces, findBroken, parsePercent, readLimits, type ReplayLimits } from './replay-limits.js';

const surface = (sloAttainment: number | undefined): SurfaceReplay => ({
  requests: 100,
  succeeded: 100,
  sloMs: 1_000,
  judged: 100,
  inTime: 0,
  sloAttainment,
  latencyMs: undefined,
  costUsd: 1,
});

const REPORT: ReplayReport = {
  policy: 'p',
  seed: 1,
  requests: 100,
  spanMs: 1_000,
  succeeded: 98,
  successRate: 0.98,
  sloAttainment: 0.95,
  costUsd: 10,
  floorViolations: 0,
  violations: {},
  fallbackRate: 0.1,
  shedRate: 0.01,
  rejected: 0,
  attempts: 110,
  errors: {},
  surfaces: { chat: surface(0.96), jobs: surface(undefined), support: surface(0.94) },
  deployments: {},
};

const STRINGS = [
  'against',
  'max-cost',
  'max-cost-increase',
  'max-slo-decrease',
  'min-success',
  'max-fallback',
  'max-shed',
];
const OPTIONS = {
  ...Object.fromEntries(STRINGS.map((name) => [name, { type: 'string' as const, help: '' }])),
  'min-slo': { type: 'string' as const, multiple: true, help: '' },
};

function limitsOf(...argv: string[]): ReplayLimits {
  return readLimits(parseOptions(argv, OPTIONS));
}

describe('findBroken', () => {
  it.each<[string[], number]>([
    [[], 0],
    [['--min-slo', '94'], 0],
    [['--min-slo', '95'], 1],
    [['--min-slo', '97%'], 2],
    [['--min-slo', 'chat=95', '--min-slo', 'support=94'], 0],
    [['--min-slo', 'chat=96.5', '--min-slo', 'support=95'], 2],
    [['--min-success', '98'], 0],
    [['--min-success', '98.1%'], 1],
    [['--max-fallback', '10%'], 0],
    [['--max-fallback', '9.9'], 1],
    [['--max-shed', '1'], 0],
    [['--max-shed', '0.5'], 1],
    [['--max-cost', '10'], 0],
    [['--max-cost', '9.99'], 1],
    [['--against', 'x', '--max-cost-increase', '25%'], 0],
    [['--against', 'x', '--max-cost-increase', '24.9%'], 1],
    [['--against', 'x', '--max-slo-decrease', '3'], 0],
    [['--against', 'x', '--max-slo-decrease', '2.9'], 1],
  ])('%j breaks %i', (argv, count) => {
    const against = { ...REPORT, costUsd: 8, sloAttainment: 0.98 };
    expect(findBroken(limitsOf(...argv), REPORT, against)).toHaveLength(count);
  });

  it('breaks on any violated floor, unasked', () => {
    const report = { ...REPORT, floorViolations: 2, violations: { quality_floor: 2 } };
    expect(findBroken(limitsOf(), report, undefined)).toEqual(['2 calls broke a hard limit (quality_floor)']);
  });
});

describe('readLimits', () => {
  it.each([
    [['--max-cost-increase', '5%'], '--max-cost-increase needs --against'],
    [['--max-slo-decrease', '5'], '--max-slo-decrease needs --against'],
    [['--min-slo', 'high'], '--min-slo must be a percentage'],
    [['--min-slo', 'chat='], '--min-slo must be a percentage'],
    [['--min-success', '101'], '--min-success must be a percentage from 0 to 100'],
    [['--max-cost', '1e9'], '--max-cost must be an amount of US dollars'],
    [['--max-shed', '-1'], '--max-shed must be a percentage'],
  ])('refuses %j', (argv, message) => {
    expect(() => limitsOf(...argv)).toThrow(message);
  });

  it('reads percentages with and without their sign', () => {
    expect(parsePercent('5%', 'x')).toBe(0.05);
    expect(parsePercent('99.5', 'x')).toBe(0.995);
    expect(parsePercent('250 %', 'x', { isBounded: false })).toBe(2.5);
  });
});

describe('checkSurfaces', () => {
  it('refuses a limit that nothing is held against', () => {
    expect(() => {
      checkSurfaces(limitsOf('--min-slo', 'chta=95'), REPORT, undefined);
    }).toThrow('--min-slo names "chta"');
    expect(() => {
      checkSurfaces(limitsOf('--min-slo', 'jobs=95'), REPORT, undefined);
    }).toThrow('--min-slo names "jobs"');
    checkSurfaces(limitsOf('--min-slo', 'chat=95'), REPORT, undefined);
  });

  it('refuses one over a day of which nothing has an SLO', () => {
    const unjudged = { ...REPORT, sloAttainment: undefined, surfaces: { jobs: surface(undefined) } };
    const every = limitsOf('--min-slo', '95');
    const compared = limitsOf('--against', 'x', '--max-slo-decrease', '5');
    expect(() => {
      checkSurfaces(every, unjudged, undefined);
    }).toThrow('--min-slo: nothing with an SLO');
    expect(() => {
      checkSurfaces(compared, REPORT, unjudged);
    }).toThrow('--max-slo-decrease: under --against nothing with an SLO');
    checkSurfaces(every, REPORT, undefined);
    checkSurfaces(compared, REPORT, REPORT);
    // An SLO that is no longer promised is one that is no longer kept: the limit's own matter.
    checkSurfaces(compared, unjudged, REPORT);
    expect(findBroken(compared, unjudged, REPORT)).toHaveLength(1);
  });
});
