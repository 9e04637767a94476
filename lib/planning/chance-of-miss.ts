/** Of a deployment whose spread is not known: that of a provider in good health. */
const USUAL_SIGMA = 0.4;
/** ... which counts as so many calls: a few that happened to take equally long do not make a deployment a steady one. */
const USUAL_SAMPLES = 40;
/** No provider is steadier than this. */
const MIN_SIGMA = 0.1;
/** The 95th percentile of the standard normal distribution. */
const Z_95 = 1.645;
/** More than this is a miss anyway: who misses often is told by its expected latency. */
const MAX_CHANCE = 0.04;
/** Up to here the chance is above that, and need not be reckoned. */
const SURE_Z = 1.75;

/**
 * The chance that a call misses its target, 0 to 0.04: latencies are taken for log-normal around what is expected, as wide
 * as they usually are. Two deployments of nearly the same median may differ much in how often they are late.
 *
 * @param usualMs - What the latency usually is, in the middle: the width goes by it and not by what is expected now, or a
 * deployment that has become slower would seem to have become steadier.
 * @param samples - Calls that the usual latency was seen in.
 */
export function chanceOfMiss(
  expectedMs: number,
  usualMs: number | undefined,
  usualP95Ms: number | undefined,
  samples: number,
  targetMs: number,
): number {
  const sigma =
    usualP95Ms === undefined || usualMs === undefined
      ? USUAL_SIGMA
      : pooledSigma(Math.max(MIN_SIGMA, Math.log(usualP95Ms / usualMs) / Z_95), samples);
  const z = Math.log(targetMs / expectedMs) / sigma;
  if (z <= SURE_Z) return MAX_CHANCE;
  return Math.min(MAX_CHANCE, upperTail(z));
}

/** Variances are what can be averaged. */
function pooledSigma(measured: number, samples: number): number {
  const variance = (samples * measured ** 2 + USUAL_SAMPLES * USUAL_SIGMA ** 2) / (samples + USUAL_SAMPLES);
  return Math.sqrt(variance);
}

/** Of the standard normal distribution, for z >= 0 (Abramowitz and Stegun 26.2.17, error under 7.5e-8). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * z);
  const polynomial =
    t *
    (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
