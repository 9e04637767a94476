// One day of the world, in a process of its own: `node day.mjs '<options as JSON>'` prints its figures as JSON.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { naturalArrivals } from './arrivals.mjs';
import { CallLog } from './call-log.mjs';
import { DAYS } from './days.mjs';
import { sumUp } from './figures.mjs';
import { startLoopApp } from './loop-app.mjs';
import { PROVIDERS, configFor, startProviders } from './providers.mjs';
import { Random } from './random.mjs';
import { startRouterApp } from './router-app.mjs';
import { Spoken, promptFor } from './spoken.mjs';
import { StrictClient } from './strict-client.mjs';

const DEADLINE_MS = 20_000;
const GRACE_MS = 3_000;
/** The router's own default for a pause in a stream. */
const IDLE_MS = 15_000;
const STREAM_SHARE = 0.7;
const BACKGROUND_SHARE = 0.15;
/** A call of a client that has left is to be gone by then. */
const ABORTED_WITHIN_MS = 300;

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

export async function runDay(options) {
  const { name, seed, seconds, shape, loop, dump } = options;
  const day = DAYS[name];
  const fault = { fromMs: (seconds * 1_000) / 3, toMs: (seconds * 2_000) / 3 };
  const requests = requestsOf(day, options, fault);

  const spoken = new Spoken();
  const providers = await startProviders(spoken, { seed, oneWire: loop });
  const upstreams = Object.fromEntries(PROVIDERS.map((each) => [each, providers[each].upstream]));
  const log = new CallLog(upstreams);
  const app = loop
    ? await startLoopApp(PROVIDERS.map((each) => upstreams[each].baseUrl))
    : await startRouterApp(
        configFor(providers, shape, { deadlineMs: DEADLINE_MS, execution: options.execution }),
      );
  const client = new StrictClient(app.origin, spoken);
  await warmUp(client, log);

  const eventLoop = monitorEventLoopDelay({ resolution: 10 });
  eventLoop.enable();
  const start = performance.now();
  const at = (ms) => delay(Math.max(0, start + ms - performance.now()));
  const staged = play(day, { providers, random: new Random(`fault ${seed}`) }, fault, at);

  const readings = await Promise.all(
    requests.map(async (request) => {
      await at(request.atMs);
      const reading = await client.send({
        id: request.id,
        headers: { 'x-llm-surface': request.surface },
        body: {
          model: 'world',
          messages: [{ role: 'user', content: promptFor(request) }],
          ...(request.streamed ? { stream: true } : {}),
        },
        firstByteWithinMs: DEADLINE_MS + GRACE_MS,
        silenceMs: IDLE_MS + GRACE_MS,
        leaveAfterMs: request.leaveAfterMs,
      });
      let leftRunning = 0;
      if (reading.verdict === 'left') {
        await delay(ABORTED_WITHIN_MS);
        leftRunning = log.callsOf(request.id).filter(({ isOpen }) => isOpen).length;
      }
      return { ...request, ...reading, leftRunning };
    }),
  );
  await staged;
  await delay(ABORTED_WITHIN_MS);
  eventLoop.disable();

  const calls = log.calls().filter(({ id }) => !id.startsWith('warm'));
  const figures = {
    ...sumUp(readings, calls, day.goal),
    stillOpen: calls.filter(({ isOpen }) => isOpen).length,
    eventLoopMs: { p99: eventLoop.percentile(99) / 1e6 - 10, max: eventLoop.max / 1e6 - 10 },
  };
  if (dump !== undefined) writeDump(`${dump}/${name}-${seed}${loop ? '-loop' : ''}.jsonl`, readings, calls);
  client.close();
  await app.close();
  log.close();
  await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  return figures;
}

/** So that no day pays for the first compilation of the code. */
async function warmUp(client, log) {
  for (let turn = 0; turn < 3; turn += 1) {
    await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        client.send({
          id: `warm${turn}-${index}`,
          headers: { 'x-llm-surface': 'chat' },
          body: {
            model: 'world',
            messages: [
              {
                role: 'user',
                content: promptFor({ id: `warm${turn}-${index}`, promptTokens: 100, answerTokens: 20 }),
              },
            ],
            ...(index % 2 === 0 ? { stream: true } : {}),
          },
          firstByteWithinMs: DEADLINE_MS,
          silenceMs: IDLE_MS,
        }),
      ),
    );
  }
  log.calls();
}

async function play(day, stage, fault, at) {
  const timers = [];
  const every = (work, ms) => {
    work();
    timers.push(setInterval(work, ms));
  };
  await at(fault.fromMs);
  await day.begin?.({ ...stage, every });
  if (day.half !== undefined) {
    await at((fault.fromMs + fault.toMs) / 2);
    await day.half({ ...stage, every });
  }
  await at(fault.toMs);
  for (const timer of timers) clearInterval(timer);
  await Promise.all(Object.values(stage.providers).map((provider) => provider.recover()));
}

/** A line for every request, with its calls: to find out why a goal is missed. */
function writeDump(file, readings, calls) {
  const byId = Map.groupBy?.(calls, ({ id }) => id) ?? groupById(calls);
  const lines = readings.map((reading) =>
    JSON.stringify({
      ...reading,
      headers: Object.fromEntries(
        Object.entries(reading.headers).filter(([key]) => key.startsWith('x-llm') || key === 'retry-after'),
      ),
      calls: (byId.get(reading.id) ?? []).map(({ provider, receivedAt, closedAt, status }) => ({
        provider,
        status,
        fromMs: receivedAt - reading.startedAt,
        toMs: closedAt === undefined ? undefined : closedAt - reading.startedAt,
      })),
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
}

function groupById(calls) {
  const groups = new Map();
  for (const call of calls) groups.set(call.id, [...(groups.get(call.id) ?? []), call]);
  return groups;
}

process.stdout.write(JSON.stringify(await runDay(JSON.parse(process.argv[2]))));
