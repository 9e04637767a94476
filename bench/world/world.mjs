// The world put together: providers, the router or a hand-written loop before them, a client, and a log of all calls.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { CallLog } from './call-log.mjs';
import { startLoopApp } from './loop-app.mjs';
import { configFor, PROVIDERS, startProviders } from './providers.mjs';
import { startRouterApp } from './router-app.mjs';
import { promptFor, Spoken } from './spoken.mjs';
import { StrictClient } from './strict-client.mjs';

export const DEADLINE_MS = 20_000;
const GRACE_MS = 3_000;
/** The router's own default for a pause in a stream. */
const IDLE_MS = 15_000;
const TIMER_RESOLUTION_MS = 10;

/**
 * @param {object} options
 * @param {number | string} options.seed
 * @param {'tiers' | 'pool'} options.shape
 * @param {boolean} [options.loop] the hand-written loop instead of the router
 * @param {object} [options.execution] the router's options of that name
 * @param {boolean} [options.hasCapacity] whether the providers have limits and queues; true where not said
 * @param {boolean} [options.isCapacityKnown] the router is told the limits, as `maxConcurrency`
 * @param {number} [options.deadlineMs]
 * @param {number} [options.idleMs] what `execution` has for it
 * @param {boolean} [options.keepsCalls] false where memory is measured
 */
export async function openWorld({
  seed,
  shape,
  loop = false,
  execution,
  hasCapacity,
  deadlineMs = DEADLINE_MS,
  idleMs = IDLE_MS,
  keepsCalls = true,
  isCapacityKnown,
}) {
  const spoken = new Spoken();
  const providers = await startProviders(spoken, {
    seed,
    oneWire: loop,
    hasCapacity,
    ...(keepsCalls ? {} : { keepRequests: 100 }),
  });
  const upstreams = Object.fromEntries(PROVIDERS.map((name) => [name, providers[name].upstream]));
  const log = keepsCalls ? new CallLog(upstreams) : undefined;
  const app = loop
    ? await startLoopApp(PROVIDERS.map((name) => upstreams[name].baseUrl))
    : await startRouterApp(configFor(providers, shape, { deadlineMs, execution, isCapacityKnown }));
  const client = new StrictClient(app.origin, spoken);
  const eventLoop = monitorEventLoopDelay({ resolution: TIMER_RESOLUTION_MS });

  /**
   * @param {{ id: string, surface: string, streamed: boolean, promptTokens: number, answerTokens: number, leaveAfterMs?: number }} request
   */
  const ask = (request) =>
    client.send({
      id: request.id,
      headers: { 'x-llm-surface': request.surface },
      body: {
        model: 'world',
        messages: [{ role: 'user', content: promptFor(request) }],
        ...(request.streamed ? { stream: true } : {}),
      },
      firstByteWithinMs: deadlineMs + GRACE_MS,
      silenceMs: idleMs + GRACE_MS,
      leaveAfterMs: request.leaveAfterMs,
    });

  /** So that nobody pays for the first compilation of the code; without a hurry, so that it teaches the router nothing bad. */
  const warmUp = async () => {
    const size = { promptTokens: 100, answerTokens: 20 };
    for (let turn = 0; turn < 3; turn += 1) {
      await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          ask({
            ...size,
            id: `warm-${turn}-${index}`,
            surface: 'background',
            streamed: turn > 0 && index % 2 === 0,
          }),
        ),
      );
    }
    log?.forget();
    eventLoop.enable();
  };

  return {
    providers,
    log,
    spoken,
    client,
    origin: app.origin,
    ask,
    warmUp,
    eventLoopMs: (percentile) =>
      Math.max(
        0,
        (percentile === 100 ? eventLoop.max : eventLoop.percentile(percentile)) / 1e6 - TIMER_RESOLUTION_MS,
      ),
    close: async () => {
      eventLoop.disable();
      client.close();
      await app.close();
      log?.close();
      await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
    },
  };
}

/** A clock that starts now: `await at(ms)` waits until so long after. */
export function startClock() {
  const start = performance.now();
  return {
    nowMs: () => performance.now() - start,
    at: (ms) => delay(Math.max(0, start + ms - performance.now())),
  };
}
