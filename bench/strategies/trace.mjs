// The day that is replayed: the Azure trace of 2023 (conversations), or a made-up hour where it is not at hand.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readTrace, SeededRandom, seedOf } from '../../dist/replay/index.js';

/** Beside the checkout, as all shared data; or wherever `AZURE_TRACE` says. */
const TRACE =
  process.env.AZURE_TRACE ??
  fileURLToPath(new URL('../../../shared/traces/azure-llm-2023-conv.csv.gz', import.meta.url));

export const hasTrace = existsSync(TRACE);

const MADE_UP_REQUESTS = 19_366;
const MADE_UP_GAP_MS = 181;

/** @returns {Promise<import('../../dist/replay/index.js').TraceRequest[]>} */
export async function readDay() {
  const requests = hasTrace ? (await readTrace(TRACE)).requests : madeUp();
  return requests.map((request) => ({ ...request, surface: 'chat' }));
}

/** About the trace's pace and sizes: 5.5 a second, medians of 928 and 129 tokens. */
function madeUp() {
  const random = new SeededRandom(seedOf('arrivals'));
  let atMs = Date.UTC(2023, 10, 16, 18);
  return Array.from({ length: MADE_UP_REQUESTS }, () => {
    atMs += -MADE_UP_GAP_MS * Math.log(1 - random.next());
    return {
      atMs,
      promptTokens: Math.round(928 * Math.exp(0.9 * random.normal())),
      answerTokens: Math.round(129 * Math.exp(random.normal())),
      streamed: true,
    };
  });
}

/** The start of the ten minutes with the most requests, in milliseconds from the first. */
export function busiestMinutes(requests, lengthMs) {
  const first = requests[0].atMs;
  let best = { count: -1, fromMs: 0 };
  let start = 0;
  for (let end = 0; end < requests.length; end += 1) {
    while (requests[end].atMs - requests[start].atMs > lengthMs) start += 1;
    const count = end - start + 1;
    if (count > best.count) best = { count, fromMs: requests[start].atMs - first };
  }
  return best.fromMs;
}
