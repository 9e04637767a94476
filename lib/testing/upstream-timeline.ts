import type { UpstreamLatency } from './scripted-upstream.interface.js';
import type { SeededRandom } from './seeded-random.js';

/** When each piece of an answer is due. */
export interface UpstreamTimeline {
  /** Milliseconds after the request, one for each piece, never falling. */
  readonly dueMs: readonly number[];
  /** Milliseconds after the request at which the last token has been made. */
  readonly completeMs: number;
}

/** @throws RangeError for a latency that no model can have. */
export function checkLatency(latency: UpstreamLatency): UpstreamLatency {
  const { timeToFirstTokenMs, tokensPerSecond, jitter = 0 } = latency;
  if (!(timeToFirstTokenMs >= 0 && Number.isFinite(timeToFirstTokenMs))) {
    throw new RangeError(`timeToFirstTokenMs must be 0 or more, but is ${timeToFirstTokenMs}`);
  }
  if (!(tokensPerSecond > 0)) {
    throw new RangeError(`tokensPerSecond must be more than 0, but is ${tokensPerSecond}`);
  }
  if (!(jitter >= 0 && Number.isFinite(jitter)))
    throw new RangeError(`jitter must be 0 or more, but is ${jitter}`);
  return latency;
}

/**
 * Lays an answer's pieces out in time: the first at the time to first token, each other one after the tokens before it.
 *
 * @param shares - how much of the answer each piece is; only their ratio matters
 * @param tokens - how many tokens the whole answer is reported to have
 */
export function planTimeline(
  latency: UpstreamLatency,
  shares: readonly number[],
  tokens: number,
  random: SeededRandom,
): UpstreamTimeline {
  const jitter = latency.jitter ?? 0;
  const firstMs = latency.timeToFirstTokenMs * random.factor(jitter);
  const generationMs = (tokens / latency.tokensPerSecond) * 1000 * random.factor(jitter);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  let before = 0;
  const dueMs = shares.map((share) => {
    const due = firstMs + (whole === 0 ? 0 : (before / whole) * generationMs);
    before += share;
    return due;
  });
  return { dueMs, completeMs: firstMs + generationMs };
}
