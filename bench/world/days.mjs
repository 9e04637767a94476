// The days of the world: what happens in the middle third, and what is to be reached.
import { crowd } from './arrivals.mjs';
import { rateLimit, someStatuses, someStreams } from './faults.mjs';
import { meanServiceSeconds, totalCapacity } from './providers.mjs';

const PEAK_LOAD = 0.95;
const FLAP_MS = 3_000;

/**
 * @typedef {object} Day
 * @property {string} what
 * @property {{ success: number, slo: number }} goal per cent: of all requests; of chat streams that start within the fault
 * @property {(stage: Stage) => void | Promise<void>} [begin] at the start of the fault
 * @property {(stage: Stage) => void | Promise<void>} [half] in its middle
 * @property {number} [leavers] share of clients who leave
 * @property {(arrivals: import('./arrivals.mjs').Arrival[], random: import('./random.mjs').Random, fault: { fromMs: number, toMs: number }) => import('./arrivals.mjs').Arrival[]} [arrivals]
 */

/**
 * @typedef {object} Stage
 * @property {Record<string, import('./providers.mjs').Provider>} providers
 * @property {import('./random.mjs').Random} random
 * @property {(work: () => void, ms: number) => void} every until the fault is over
 */

/** @type {Record<string, Day>} */
export const DAYS = {
  calm: { what: 'nothing happens', goal: { success: 100, slo: 98.5 } },
  'brown-out': {
    what: 'the primary is 10 times slower',
    goal: { success: 99, slo: 90 },
    begin: ({ providers }) => {
      providers.primary.slowness = 10;
    },
  },
  errors: {
    what: `20 % of the primary's answers are 500, 502, 503 or 529`,
    goal: { success: 100, slo: 98.5 },
    begin: ({ providers, random }) => {
      providers.primary.fail(someStatuses(random, 0.2, [500, 500, 500, 502, 503, 529]));
    },
  },
  'rate-limits': {
    what: 'the primary takes 1.5 requests a second; 429 with every form of Retry-After and none',
    goal: { success: 100, slo: 98.5 },
    begin: ({ providers: { primary } }) => {
      primary.fail(rateLimit(1.5));
    },
  },
  peak: {
    what: 'as many requests as 95 % of all capacity',
    goal: { success: 99.5, slo: 55 },
    arrivals: (arrivals, random, fault) =>
      crowd(arrivals, random, {
        ...fault,
        perSecond: (PEAK_LOAD * totalCapacity) / meanServiceSeconds(arrivals),
      }),
  },
  outage: {
    what: 'the primary refuses connections, open ones are killed',
    goal: { success: 98, slo: 99 },
    begin: ({ providers }) => {
      providers.primary.refuse();
    },
  },
  streams: {
    what: `35 % of the primary's streams break, in seven ways`,
    goal: { success: 96, slo: 90 },
    begin: ({ providers, random }) => {
      providers.primary.fail(someStreams(random, 0.35));
    },
  },
  flapping: {
    what: 'the primary answers 503 for 3 s, then works for 3 s',
    goal: { success: 100, slo: 98.5 },
    begin: ({ providers, random, every }) => {
      let isUp = true;
      every(() => {
        isUp = !isUp;
        providers.primary.fail(isUp ? undefined : someStatuses(random, 1, [503]));
      }, FLAP_MS);
    },
  },
  'two-at-once': {
    what: 'primary: 503; secondary: first 10 times slower, then 503 too',
    goal: { success: 99.5, slo: 95 },
    begin: ({ providers, random }) => {
      providers.primary.fail(someStatuses(random, 1, [503]));
      providers.secondary.slowness = 10;
    },
    half: ({ providers, random }) => {
      providers.secondary.slowness = 1;
      providers.secondary.fail(someStatuses(random, 1, [503]));
    },
  },
  leavers: { what: '5 % of the clients leave', goal: { success: 100, slo: 98.5 }, leavers: 0.05 },
};
