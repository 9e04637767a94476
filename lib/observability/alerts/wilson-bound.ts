/** How far a share may be off by chance: Wilson's score interval, one side of it, which holds for small counts too. */
interface Wilson {
  readonly centre: number;
  readonly margin: number;
}

function wilson(share: number, count: number, z: number): Wilson {
  const spread = (z * z) / count;
  const centre = (share + spread / 2) / (1 + spread);
  const margin = (z / (1 + spread)) * Math.sqrt((share * (1 - share)) / count + spread / (4 * count));
  return { centre, margin };
}

/**
 * The true share is hardly under this.
 *
 * @param share - Seen among `count`, 0 to 1.
 * @param z - See {@link normalQuantile}.
 */
export function lowerBound(share: number, count: number, z: number): number {
  if (count === 0) return 0;
  const { centre, margin } = wilson(share, count, z);
  return Math.max(0, centre - margin);
}

/** The true share is hardly over this. Of a mean of values between 0 and 1 it is a bound as well, a wide one. */
export function upperBound(share: number, count: number, z: number): number {
  if (count === 0) return 1;
  const { centre, margin } = wilson(share, count, z);
  return Math.min(1, centre + margin);
}

/**
 * The z of a one-sided confidence from 0.5 to under 1: 1.645 for 95 %, 2.326 for 99 %. By Abramowitz and Stegun, 26.2.23,
 * good to 0.0005.
 */
export function normalQuantile(confidence: number): number {
  if (confidence <= 0.5) return 0;
  const t = Math.sqrt(-2 * Math.log(1 - confidence));
  return (
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
  );
}
