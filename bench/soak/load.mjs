// 300 requests in flight for a minute, a tenth of the calls faulty. In a process of its own; prints its figures as JSON.
import { setTimeout as delay } from 'node:timers/promises';
import { PROVIDERS } from '../world/providers.mjs';
import { Random } from '../world/random.mjs';
import { wishesOf } from '../world/spoken.mjs';
import { openWorld, startClock } from '../world/world.mjs';
import { randomFaults } from './soak-faults.mjs';

/** Short, so that stalls end within the run. */
const DEADLINE_MS = 15_000;
const TIMEOUTS = { connectMs: 2_000, firstTokenMs: 3_000, idleMs: 2_000, maxStreamMs: 30_000 };
/** They do not come all at once. */
const START_MS = 3_000;
const FAULT_SHARE = 0.1;
const STREAM_SHARE = 0.7;
/** Pieces of a stream: few, so that one process can carry upstreams, router and clients. */
const WORDS = 12;
/** Requests whose every call stalls: they show how exactly the deadline is kept. */
const DOOMED_SHARE = 0.01;
const WATCH_MS = 5_000;
const SETTLED_WITHIN_MS = 300;
/** What Node says of sockets, servers and timers that are still there. */
const RESOURCES = /^(Timeout|TCPSocketWrap|TCPServerWrap|TCPConnectWrap|GetAddrInfoReqWrap)$/;

const resources = () => process.getActiveResourcesInfo().filter((name) => RESOURCES.test(name));

function quantile(values, share) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

async function healthOf(world) {
  const health = await (await fetch(`${world.origin}/health`, { headers: { connection: 'close' } })).json();
  return PROVIDERS.map((name) => health.details?.[name] ?? {});
}

async function inFlightOf(world) {
  return (await healthOf(world)).reduce((sum, { inFlight = 0 }) => sum + inFlight, 0);
}

/** What the router says of the providers in the course of the run. */
async function watch(world, clock, readings, course) {
  const health = await healthOf(world);
  course.push({
    second: Math.round(clock.nowMs() / 1_000),
    answered: readings.length,
    shed: readings.filter(({ detail = '' }) => detail.includes('overloaded')).length,
    providers: health.map(({ breaker, inFlight, deployments: [first = {}] = [] }) =>
      [breaker, `${inFlight} in flight`, `limit ${first.limit ?? first.capacity ?? '–'}`, first.trouble]
        .filter((part) => part !== undefined)
        .join(', '),
    ),
  });
}

async function run({ seconds, inFlight, seed, shape }) {
  const before = resources().length;
  const world = await openWorld({
    seed,
    shape,
    hasCapacity: false,
    deadlineMs: DEADLINE_MS,
    idleMs: TIMEOUTS.idleMs,
    execution: { timeouts: TIMEOUTS },
  });
  await world.warmUp();
  const random = new Random(`soak ${seed}`);
  const { befallen, scriptFor } = randomFaults(
    random,
    FAULT_SHARE,
    ({ lastUserText }) => wishesOf(lastUserText).id,
  );
  for (const name of PROVIDERS) world.providers[name].fail(scriptFor(name));

  const clock = startClock();
  const readings = [];
  let asked = 0;
  const worker = async (index) => {
    await clock.at((index * START_MS) / inFlight);
    while (clock.nowMs() < seconds * 1_000) {
      asked += 1;
      const request = {
        id: `${random.chance(DOOMED_SHARE) ? 'doomed' : 's'}-${asked}`,
        streamed: random.chance(STREAM_SHARE),
        promptTokens: 50,
        answerTokens: Math.round(random.between(100, 240)),
        words: WORDS,
      };
      const surface = request.streamed ? 'chat' : 'whole';
      readings.push({ ...request, ...(await world.ask({ ...request, surface })) });
    }
  };
  const course = [];
  const watching = setInterval(() => {
    void watch(world, clock, readings, course).catch(() => undefined);
  }, WATCH_MS);
  await Promise.all(Array.from({ length: inFlight }, (_, index) => worker(index)));
  clearInterval(watching);
  const spentSeconds = clock.nowMs() / 1_000;
  await delay(SETTLED_WITHIN_MS);
  const leftInFlight = await inFlightOf(world);
  const openUpstream = PROVIDERS.reduce((sum, name) => sum + world.providers[name].upstream.openRequests, 0);
  const sent = world.log.sent().filter(({ id }) => id !== '?');
  const eventLoopMs = { p999: world.eventLoopMs(99.9), max: world.eventLoopMs(100) };
  await world.close();
  await delay(SETTLED_WITHIN_MS);
  const leftResources = resources().slice(before);

  const faultsOf = ({ id }) => befallen.get(id) ?? [];
  const isOk = ({ verdict }) => verdict === 'ok';
  const isTyped = ({ verdict }) => verdict === 'failed';
  const mortal = readings.filter(({ id }) => !id.startsWith('doomed'));
  const unharmed = mortal.filter((reading) => faultsOf(reading).length === 0);
  const late = mortal.filter((reading) => faultsOf(reading).some(({ isLate }) => isLate));
  const early = mortal.filter((reading) => faultsOf(reading).length > 0 && !late.includes(reading));
  const couldServe = early.filter(
    (reading) => new Set(faultsOf(reading).map(({ provider }) => provider)).size < PROVIDERS.length,
  );
  const overruns = readings.map(({ streamed, firstTokenMs, endMs }) =>
    Math.max(0, (streamed ? (firstTokenMs ?? endMs) : endMs) - DEADLINE_MS),
  );
  const verdicts = {};
  const details = {};
  for (const reading of readings) {
    verdicts[reading.verdict] = (verdicts[reading.verdict] ?? 0) + 1;
    if (reading.detail === undefined) continue;
    const key = `${reading.verdict}: ${reading.detail}`;
    details[key] = (details[key] ?? 0) + 1;
  }
  const oddities = mortal
    .filter((reading) => !isOk(reading) && !(isTyped(reading) && late.includes(reading)))
    .map((reading) => ({
      id: reading.id,
      streamed: reading.streamed,
      verdict: reading.verdict,
      detail: reading.detail,
      endMs: Math.round(reading.endMs),
      faults: faultsOf(reading).map(({ provider, fault }) => `${provider} ${JSON.stringify(fault)}`),
      calls: sent
        .filter(({ id }) => id === reading.id)
        .map(
          ({ provider, sentAt, endedAt }) =>
            `${provider} ${sentAt - reading.startedAt} to ${(endedAt ?? Infinity) - reading.startedAt} ms`,
        ),
    }));
  return {
    asked,
    answered: readings.length,
    perSecond: asked / spentSeconds,
    callsPerRequest: sent.length / asked,
    verdicts,
    details,
    unharmed: { count: unharmed.length, ok: unharmed.filter(isOk).length },
    early: {
      count: early.length,
      couldServe: couldServe.length,
      ok: couldServe.filter(isOk).length,
    },
    late: { count: late.length, ok: late.filter(isOk).length, typed: late.filter(isTyped).length },
    overrunMs: { p999: quantile(overruns, 0.999), max: Math.max(0, ...overruns) },
    eventLoopMs,
    leftInFlight,
    openUpstream,
    leftResources,
    course,
    oddities: oddities.slice(0, 20),
  };
}

process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2]))), () => process.exit());
