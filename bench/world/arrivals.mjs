// Who comes when: a window of the Azure trace of 2023 (conversations), or a made-up process where it is not at hand.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Beside the checkout, as all shared data; or wherever `AZURE_TRACE` says. */
const TRACE =
  process.env.AZURE_TRACE ??
  fileURLToPath(new URL('../../../shared/traces/azure-llm-2023-conv.csv.gz', import.meta.url));
/** Longer prompts are cut to this, so that the bench measures waiting and not the copying of text. */
const MAX_PROMPT_TOKENS = 2_000;
/** The trace's answers are of a slower time: so scaled and cut, they take about 0.5 to 6 s at 60 to 120 tokens a second. */
const ANSWER_SCALE = 0.6;
const MIN_ANSWER_TOKENS = 20;
const MAX_ANSWER_TOKENS = 400;

export const hasTrace = existsSync(TRACE);

/**
 * @typedef {object} Arrival
 * @property {number} atMs since the start of the day
 * @property {number} promptTokens
 * @property {number} answerTokens
 */

let rows;

/** @returns {Arrival[]} all of the trace, `atMs` since its first request */
function traceRows() {
  rows ??= gunzipSync(readFileSync(TRACE))
    .toString('utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [timestamp, promptTokens, answerTokens] = line.split(',');
      return arrival(
        Date.parse(`${timestamp.slice(0, 23).replace(' ', 'T')}Z`),
        Number(promptTokens),
        Number(answerTokens),
      );
    });
  return rows;
}

function arrival(atMs, promptTokens, answerTokens) {
  return {
    atMs,
    promptTokens: Math.min(promptTokens, MAX_PROMPT_TOKENS),
    answerTokens: Math.min(
      Math.max(Math.round(answerTokens * ANSWER_SCALE), MIN_ANSWER_TOKENS),
      MAX_ANSWER_TOKENS,
    ),
  };
}

/**
 * A window of the trace, somewhere in it by the seed, in its natural pace.
 *
 * @param {import('./random.mjs').Random} random
 * @returns {Arrival[]}
 */
export function naturalArrivals(random, seconds) {
  if (!hasTrace) return syntheticArrivals(random, seconds);
  const all = traceRows();
  const first = all[0].atMs;
  const last = all.at(-1).atMs;
  const from = first + random.next() * (last - first - seconds * 1_000);
  return all
    .filter(({ atMs }) => atMs >= from && atMs < from + seconds * 1_000)
    .map((row) => ({ ...row, atMs: row.atMs - from }));
}

/** About the trace's pace and its sizes: 5.5 a second, medians of 928 and 129 tokens. */
function syntheticArrivals(random, seconds) {
  const arrivals = [];
  for (let atMs = random.exponential(181); atMs < seconds * 1_000; atMs += random.exponential(181)) {
    arrivals.push(arrival(atMs, Math.round(928 * random.factor(0.9)), Math.round(129 * random.factor(1))));
  }
  return arrivals;
}

/**
 * So many more requests in a part of the day that they come at the given rate, sizes as the trace has them.
 *
 * @param {Arrival[]} arrivals
 * @param {import('./random.mjs').Random} random
 */
export function crowd(arrivals, random, { fromMs, toMs, perSecond }) {
  const present = arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).length;
  const missing = Math.max(0, Math.round((perSecond * (toMs - fromMs)) / 1_000) - present);
  const more = Array.from({ length: missing }, () => ({
    ...random.pick(arrivals),
    atMs: random.between(fromMs, toMs),
  }));
  return [...arrivals, ...more].sort((left, right) => left.atMs - right.atMs);
}
