// The primary turns 20 times slower in mid-run and recovers later: how long until people notice nothing of it, and how long
// until the traffic is back.
//
//   npm run build && node bench/world/brown-out.mjs [--seed 1] [--shape tiers|pool] [--check] [--seconds]
import { parseArgs } from 'node:util';
import { Random } from './random.mjs';
import { openWorld, startClock } from './world.mjs';

const SLO_MS = 1_500;
const GOALS = { backUnderSloSeconds: 5, backOnPrimarySeconds: 30 };
const BEFORE_S = 15;
const SLOW_S = 30;
const AFTER_S = 45;
const PER_SECOND = 20;
const SLOWER = 20;
/** So many windows in a row are to be well before it counts. */
const IN_A_ROW = 3;
const NEARLY_ALL = 0.8;
/** A window has 20 requests: two of them, by chance, are a bad window. */
const DIPS_SHARE = 0.1;

function p95(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * 0.95) - 1];
}

/** The first window from which on so many in a row are well, and nearly all later ones; undefined: none. */
function firstForGood(windows, isWell) {
  for (let index = 0; index + IN_A_ROW <= windows.length; index += 1) {
    const rest = windows.slice(index);
    const isStart = rest.slice(0, IN_A_ROW).every(isWell);
    if (isStart && rest.filter((window) => !isWell(window)).length <= rest.length * DIPS_SHARE) return index;
  }
  return undefined;
}

async function main() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      shape: { type: 'string', default: 'tiers' },
      execution: { type: 'string', default: '{}' },
      check: { type: 'boolean', default: false },
      seconds: { type: 'boolean', default: false },
    },
  });
  // Limits apart: a queue that the slow provider has built up would be measured along.
  const world = await openWorld({
    seed: values.seed,
    shape: values.shape,
    execution: JSON.parse(values.execution),
    hasCapacity: false,
  });
  await world.warmUp();
  const random = new Random(`brown-out ${values.seed}`);
  const clock = startClock();
  const totalS = BEFORE_S + SLOW_S + AFTER_S;
  const asked = [];
  const staged = (async () => {
    await clock.at(BEFORE_S * 1_000);
    world.providers.primary.slowness = SLOWER;
    await clock.at((BEFORE_S + SLOW_S) * 1_000);
    world.providers.primary.slowness = 1;
  })();
  for (let index = 0; index < totalS * PER_SECOND; index += 1) {
    // Evenly, with a little unrest: each window of a second has its 20.
    const atMs = (index * 1_000 + random.between(0, 900)) / PER_SECOND;
    await clock.at(atMs);
    const request = {
      id: `b-${index}`,
      surface: 'chat',
      streamed: true,
      promptTokens: 100,
      answerTokens: Math.round(random.between(20, 60)),
    };
    asked.push(world.ask(request).then((reading) => ({ ...request, atMs, ...reading })));
  }
  await staged;
  const readings = await Promise.all(asked);

  const firstCalls = new Map();
  for (const { id, provider } of world.log.sent()) if (!firstCalls.has(id)) firstCalls.set(id, provider);
  const windows = Array.from({ length: totalS }, (_, second) => {
    const inWindow = readings.filter(({ atMs }) => Math.floor(atMs / 1_000) === second);
    return {
      second,
      p95: p95(inWindow.map(({ firstTokenMs = Infinity }) => firstTokenMs)),
      primary: inWindow.filter(({ id }) => firstCalls.get(id) === 'primary').length / inWindow.length,
    };
  });
  if (values.seconds) {
    for (const { second, p95: ms, primary } of windows) {
      process.stdout.write(
        `${String(second - BEFORE_S).padStart(4)} s  p95 ${ms.toFixed(0).padStart(6)} ms  first at the primary ${(primary * 100).toFixed(0).padStart(3)} %\n`,
      );
    }
  }

  const isFast = (window) => window.p95 <= SLO_MS;
  const before = windows.slice(2, BEFORE_S);
  const slow = windows.slice(BEFORE_S, BEFORE_S + SLOW_S);
  const after = windows.slice(BEFORE_S + SLOW_S);
  const usual = before.reduce((sum, { primary }) => sum + primary, 0) / before.length;
  const backUnderSlo = firstForGood(slow, isFast);
  const laterDips = slow.slice(backUnderSlo ?? slow.length).filter((window) => !isFast(window)).length;
  const backOnPrimary = firstForGood(after, ({ primary }) => primary >= usual * NEARLY_ALL);
  const dips = after.filter((window) => !isFast(window)).length;
  const failed = readings.filter(({ verdict }) => verdict !== 'ok').length;

  const isMet = {
    slo: backUnderSlo !== undefined && backUnderSlo <= GOALS.backUnderSloSeconds,
    traffic: backOnPrimary !== undefined && backOnPrimary <= GOALS.backOnPrimarySeconds && dips === 0,
  };
  const verdict = (met) => (met ? 'met' : 'NOT met');
  const seconds = (value) => (value === undefined ? 'never' : `after ${value} s`);
  process.stdout.write(
    `brown-out, ${SLOWER} times slower for ${SLOW_S} s, ${PER_SECOND} streams a second, shape ${values.shape}; ` +
      `event loop p99 ${world.eventLoopMs(99).toFixed(0)} ms, at most ${world.eventLoopMs(100).toFixed(0)} ms\n` +
      `p95 of the first token (windows of 1 s) back under ${SLO_MS} ms ${seconds(backUnderSlo)} (goal ${GOALS.backUnderSloSeconds} s): ${verdict(isMet.slo)}; ` +
      `${laterDips} windows over it later in the brown-out\n` +
      `traffic back on the primary ${seconds(backOnPrimary)} of its recovery (goal ${GOALS.backOnPrimarySeconds} s; before it had ${(usual * 100).toFixed(0)} %), ` +
      `${dips} windows over the SLO since: ${verdict(isMet.traffic)}\n` +
      `${failed} of ${readings.length} requests failed, ${(world.log.sent().length / readings.length).toFixed(2)} calls a request\n`,
  );
  await world.close();
  if (values.check && !(isMet.slo && isMet.traffic)) process.exitCode = 1;
}

await main();
