// Latencies to measure by: answers as long as those of the Azure trace of 2023, or seeded log-normal ones where it is not
// at hand. The trace has tokens and no times, so pace and time to the first token are drawn, log-normal, in both cases.
import { hasTrace, readTraceTokens } from './trace.mjs';

/**
 * @param {number} count
 * @param {number} seed
 * @returns {{ latencies: { durationMs: number, timeToFirstTokenMs: number, tokens: number }[], source: string }}
 */
export function latenciesOf(count, seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 4_294_967_297;
  };
  const logNormal = (median, sigma) =>
    median * Math.exp(sigma * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  const tokensOf = hasTrace ? readTraceTokens() : undefined;
  const latencies = Array.from({ length: count }, (_, index) => {
    const tokens = Math.max(2, Math.round(tokensOf?.[index % tokensOf.length] ?? logNormal(180, 0.8)));
    const timeToFirstTokenMs = logNormal(420, 0.5);
    return { tokens, timeToFirstTokenMs, durationMs: timeToFirstTokenMs + (tokens - 1) * logNormal(11, 0.3) };
  });
  return {
    latencies,
    source: hasTrace
      ? 'answer lengths of the Azure trace of 2023, seeded log-normal paces and first tokens'
      : 'seeded log-normal: the trace is not at hand',
  };
}
