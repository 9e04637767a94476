// One day of the world, in a process of its own: `node day.mjs '<options as JSON>'` prints its figures as JSON.
import { setTimeout as delay } from 'node:timers/promises';
import { naturalArrivals } from './arrivals.mjs';
import { DAYS } from './days.mjs';
import { writeDump } from './dump.mjs';
import { sumUp } from './figures.mjs';
import { Random } from './random.mjs';
import { openWorld, startClock } from './world.mjs';

const STREAM_SHARE = 0.7;
const BACKGROUND_SHARE = 0.15;
/** A call of a client that has left is to be ended by then. */
const ABORTED_WITHIN_MS = 300;
/** And to be gone at the upstream: the system may take its time to tell. */
const TOLD_WITHIN_MS = 1_000;

/**
 * @typedef {object} Request
 * @property {string} id
 * @property {number} atMs
 * @property {'chat' | 'whole' | 'background'} surface
 * @property {boolean} streamed
 * @property {number | undefined} leaveAfterMs
 * @property {boolean} inFault
 */

/** @returns {Request[]} */
function requestsOf(day, { seed, seconds, wholeOnChat }, fault) {
  const random = new Random(`arrivals ${seed}`);
  const natural = naturalArrivals(random, seconds);
  const arrivals = day.arrivals?.(natural, random, fault) ?? natural;
  return arrivals.map((arrival, index) => {
    const streamed = random.chance(STREAM_SHARE);
    // Half of those who want a whole answer are jobs; nobody streams to a job.
    const isBackground = !streamed && random.chance(BACKGROUND_SHARE / (1 - STREAM_SHARE));
    return {
      ...arrival,
      id: `q${seed}-${index}`,
      streamed,
      surface: streamed ? 'chat' : isBackground ? 'background' : wholeOnChat ? 'chat' : 'whole',
      leaveAfterMs: random.chance(day.leavers ?? 0) ? random.between(0, 3_000) : undefined,
      inFault: arrival.atMs >= fault.fromMs && arrival.atMs < fault.toMs,
    };
  });
}

async function runDay(options) {
  const { name, seed, seconds, shape, loop, dump, execution, isCapacityKnown } = options;
  const day = DAYS[name];
  const fault = { fromMs: (seconds * 1_000) / 3, toMs: (seconds * 2_000) / 3 };
  const requests = requestsOf(day, options, fault);
  const world = await openWorld({ seed, shape, loop, execution, isCapacityKnown });
  const { log, providers } = world;
  await world.warmUp();

  const clock = startClock();
  const staged = play(day, { providers, random: new Random(`fault ${seed}`) }, fault, clock);
  const readings = await Promise.all(
    requests.map(async (request) => {
      await clock.at(request.atMs);
      const reading = await world.ask(request);
      let leftRunning = 0;
      if (reading.verdict === 'left') {
        await delay(ABORTED_WITHIN_MS);
        leftRunning = log.runningOf(request.id);
      }
      return { ...request, ...reading, leftRunning };
    }),
  );
  await staged;
  await delay(TOLD_WITHIN_MS);

  const arrived = log.calls();
  const figures = {
    ...sumUp(readings, log.sent(), arrived),
    eventLoopMs: { p99: world.eventLoopMs(99), max: world.eventLoopMs(100) },
  };
  if (dump !== undefined)
    writeDump(`${dump}/${name}-${seed}${loop ? '-loop' : ''}.jsonl`, readings, log.sent(), arrived);
  await world.close();
  return figures;
}

async function play(day, stage, fault, clock) {
  const timers = [];
  const every = (work, ms) => {
    work();
    timers.push(setInterval(work, ms));
  };
  await clock.at(fault.fromMs);
  await day.begin?.({ ...stage, every });
  if (day.half !== undefined) {
    await clock.at((fault.fromMs + fault.toMs) / 2);
    await day.half({ ...stage, every });
  }
  await clock.at(fault.toMs);
  for (const timer of timers) clearInterval(timer);
  await Promise.all(Object.values(stage.providers).map((provider) => provider.recover()));
}

process.stdout.write(JSON.stringify(await runDay(JSON.parse(process.argv[2]))));
