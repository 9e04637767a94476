// The primary is gone in mid-run: how many calls are still wasted on it, and how many there are for a request.
//
//   npm run build && node bench/world/outage.mjs [--seed 1] [--shape tiers|pool] [--check]
import { parseArgs } from 'node:util';
import { naturalArrivals } from './arrivals.mjs';
import { Random } from './random.mjs';
import { openWorld, startClock } from './world.mjs';

const GOALS = { deadCallsPerRequest: 0.05, callsPerRequest: 1.2 };
const BEFORE_S = 20;
const OUTAGE_S = 40;
const AFTER_S = 15;
/** Where health does not tell of an open breaker, it is taken for open from then on. */
const ASSUMED_OPEN_MS = 2_000;
const LOOK_EVERY_MS = 100;

async function main() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      shape: { type: 'string', default: 'tiers' },
      execution: { type: 'string', default: '{}' },
      check: { type: 'boolean', default: false },
    },
  });
  const world = await openWorld({
    seed: values.seed,
    shape: values.shape,
    execution: JSON.parse(values.execution),
  });
  await world.warmUp();
  const random = new Random(`outage ${values.seed}`);
  const arrivals = naturalArrivals(random, BEFORE_S + OUTAGE_S + AFTER_S);
  const startedAt = Date.now();
  const clock = startClock();
  let openAt;
  const look = async () => {
    const health = await (await fetch(`${world.origin}/health`)).json();
    if (health.details?.primary?.breaker === 'open') openAt ??= Date.now();
  };
  const staged = (async () => {
    await clock.at(BEFORE_S * 1_000);
    world.providers.primary.refuse();
    const looking = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
    await clock.at((BEFORE_S + OUTAGE_S) * 1_000);
    clearInterval(looking);
    await world.providers.primary.recover();
  })();
  const readings = await Promise.all(
    arrivals.map(async (arrival, index) => {
      const request = { ...arrival, id: `o-${index}`, streamed: random.chance(0.7) };
      await clock.at(arrival.atMs);
      const surface = request.streamed ? 'chat' : 'whole';
      return { ...request, ...(await world.ask({ ...request, surface })) };
    }),
  );
  await staged;

  const outageAt = startedAt + BEFORE_S * 1_000;
  const healedAt = outageAt + OUTAGE_S * 1_000;
  const from = openAt ?? outageAt + ASSUMED_OPEN_MS;
  const sent = world.log.sent();
  const within = (at) => at >= from && at < healedAt;
  const deadCalls = sent.filter(({ provider, sentAt }) => provider === 'primary' && within(sentAt)).length;
  const requests = readings.filter(({ startedAt: at }) => within(at)).length;
  const outageCalls = sent.filter(({ sentAt }) => sentAt >= outageAt && sentAt < healedAt).length;
  const outageRequests = readings.filter(({ startedAt: at }) => at >= outageAt && at < healedAt).length;
  const figures = { dead: deadCalls / requests, all: sent.length / readings.length };
  const failed = readings.filter(({ verdict }) => verdict !== 'ok');
  const isMet = {
    dead: figures.dead <= GOALS.deadCallsPerRequest,
    all: figures.all <= GOALS.callsPerRequest,
  };
  const verdict = (met) => (met ? 'met' : 'NOT met');
  process.stdout.write(
    `outage of the primary for ${OUTAGE_S} s of ${BEFORE_S + OUTAGE_S + AFTER_S} s, ${readings.length} requests, shape ${values.shape}; ` +
      `event loop p99 ${world.eventLoopMs(99).toFixed(0)} ms, at most ${world.eventLoopMs(100).toFixed(0)} ms\n` +
      `${openAt === undefined ? `no open breaker was shown: taken for open after ${ASSUMED_OPEN_MS} ms` : `breaker open after ${openAt - outageAt} ms`}; ` +
      `from then on ${figures.dead.toFixed(3)} calls of the dead provider a request (goal ${GOALS.deadCallsPerRequest}): ${verdict(isMet.dead)} (${deadCalls} for ${requests})\n` +
      `${figures.all.toFixed(3)} calls a request over the whole run (goal ${GOALS.callsPerRequest}): ${verdict(isMet.all)}; ` +
      `within the outage ${(outageCalls / outageRequests).toFixed(3)}\n` +
      `${failed.length} requests failed: ${failed.map(({ verdict: how, detail }) => `${how} (${detail})`).join(', ') || '–'}\n`,
  );
  await world.close();
  if (values.check && !(isMet.dead && isMet.all)) process.exitCode = 1;
}

await main();
