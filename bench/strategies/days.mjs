// The deployments, and what happens to them on each of the five days.
import { logNormal, SeededRandom, seedOf } from '../../dist/replay/index.js';

const MINUTE = 60_000;
const TROUBLE_MS = 10 * MINUTE;

/**
 * Four deployments that may serve every request, in the order in which a team would write them down: the one it prefers
 * first. Medians of hosted models of middle size; capacity is what the provider works on at once, of which nobody is told.
 */
const DEPLOYMENTS = [
  { name: 'alpha', firstTokenMs: 400, tokensPerSecond: 85, capacity: 40 },
  { name: 'beta', firstTokenMs: 450, tokensPerSecond: 80, capacity: 32 },
  { name: 'gamma', firstTokenMs: 550, tokensPerSecond: 80, capacity: 32 },
  { name: 'delta', firstTokenMs: 650, tokensPerSecond: 70, capacity: 32 },
];
/** Dollars for a million tokens of prompt; the answer's cost three times as much. */
const PRICES = {
  /** The preferred one is neither the cheapest nor the dearest. */
  mixed: [0.5, 0.55, 0.45, 0.4],
  /** The preferred one is the cheapest: whoever leaves it pays more. */
  'cheap-first': [0.4, 0.45, 0.5, 0.55],
  equal: [0.5, 0.5, 0.5, 0.5],
};
const FIRST_TOKEN_SIGMA = 0.35;
const SPEED_SIGMA = 0.2;
export const SLO_MS = 1_500;

export const PRICE_LISTS = Object.keys(PRICES);

/** The options of the router, as a user writes them. */
export function configurationFor(shape, prices) {
  const names = DEPLOYMENTS.map(({ name }) => `${name}-model`);
  return {
    providers: Object.fromEntries(
      DEPLOYMENTS.map(({ name }) => [
        name,
        { api: 'openai-compatible', baseUrl: `https://${name}.example/v1`, apiKey: 'none' },
      ]),
    ),
    models: Object.fromEntries(
      DEPLOYMENTS.map(({ name }, index) => [
        names[index],
        {
          provider: name,
          price: { inputPer1M: PRICES[prices][index], outputPer1M: 3 * PRICES[prices][index] },
          contextWindow: 128_000,
          quality: 0.6,
        },
      ]),
    ),
    routingRules: {
      chat:
        shape === 'pool'
          ? { primary: names }
          : { primary: names[0], fallback: names[1], emergency: names.slice(2) },
    },
    surfaces: { chat: { workload: 'interactive', latencySloMs: SLO_MS, qualityFloor: 0.5 } },
  };
}

export const idOf = (name) => `${name}/${name}-model`;
export const IN_ORDER = DEPLOYMENTS.map(({ name }) => idOf(name));
const PRIMARY = IN_ORDER[0];

/** @returns {import('../../dist/replay/index.js').SimulatedWorld} */
export function worldOf(day, seed, busiestFromMs) {
  const behaviours = new Map(
    DEPLOYMENTS.map(({ name, firstTokenMs, tokensPerSecond, capacity }) => [
      idOf(name),
      {
        timeToFirstTokenMs: logNormal(firstTokenMs, FIRST_TOKEN_SIGMA),
        tokensPerSecond: logNormal(tokensPerSecond, SPEED_SIGMA),
        capacity,
        queueLength: 40,
        requestsPerMinute: undefined,
        errorRate: 0.002,
        errorKind: 'server_error',
        retryAfterMs: undefined,
      },
    ]),
  );
  // Another ten minutes with every seed.
  const random = new SeededRandom(seedOf(seed, 'trouble'));
  const fromMs = MINUTE * (5 + 35 * random.next());
  return { behaviours, events: DAYS[day].events({ fromMs, toMs: fromMs + TROUBLE_MS, busiestFromMs }) };
}

export const DAYS = {
  calm: { what: 'nothing happens', events: () => [] },
  'brown-out': {
    what: 'the primary is 10 times slower for 10 minutes',
    events: ({ fromMs, toMs }) => [
      { deployment: PRIMARY, fromMs, toMs, change: { kind: 'brown_out', factor: 10 } },
    ],
  },
  errors: {
    what: '20 % of the calls of the primary fail, all day',
    events: () => [
      {
        deployment: PRIMARY,
        fromMs: 0,
        toMs: Number.POSITIVE_INFINITY,
        change: { kind: 'error_burst', errorRate: 0.2 },
      },
    ],
  },
  'rate-limit': {
    what: 'the primary takes 90 requests a minute, and says 429 without a Retry-After to the rest, for half an hour',
    events: ({ fromMs }) => [
      {
        deployment: PRIMARY,
        fromMs: Math.min(fromMs, 25 * MINUTE),
        toMs: Math.min(fromMs, 25 * MINUTE) + 30 * MINUTE,
        change: { kind: 'rate_limit', requestsPerMinute: 90, retryAfterMs: undefined },
      },
    ],
  },
  peak: {
    what: 'all of them are 2.5 times slower in the busiest 10 minutes',
    events: ({ busiestFromMs }) => [
      {
        deployment: undefined,
        fromMs: busiestFromMs,
        toMs: busiestFromMs + TROUBLE_MS,
        change: { kind: 'brown_out', factor: 2.5 },
      },
    ],
  },
};
