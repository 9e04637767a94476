/** A weight for each surface feature, on its distance from the mean in standard deviations. */
export interface SurfaceLine {
  readonly bias: number;
  readonly means: Float32Array;
  /** One over the standard deviation; 0 for a feature that never varied. */
  readonly scales: Float32Array;
  readonly weights: Float32Array;
}

export interface SurfaceSample {
  readonly surface: Float64Array;
  readonly target: number;
  readonly weight: number;
}

/** A feature further out than this, in standard deviations, says no more. */
const FURTHEST = 3;

function distance(
  line: Pick<SurfaceLine, 'means' | 'scales'>,
  surface: Float64Array,
  feature: number,
): number {
  const value = ((surface[feature] ?? 0) - (line.means[feature] ?? 0)) * (line.scales[feature] ?? 0);
  return Math.min(Math.max(value, -FURTHEST), FURTHEST);
}

export function predictLine(line: SurfaceLine, surface: Float64Array): number {
  let sum = line.bias;
  for (let feature = 0; feature < line.weights.length; feature += 1) {
    sum += (line.weights[feature] ?? 0) * distance(line, surface, feature);
  }
  return sum;
}

/**
 * Ridge regression by elimination; no random part.
 *
 * @param ridge - How much the weights are held back; 1 is the weight of one sample.
 */
export function fitLine(samples: readonly SurfaceSample[], ridge: number): SurfaceLine {
  const width = samples[0]?.surface.length ?? 0;
  const means = new Float64Array(width);
  const variances = new Float64Array(width);
  let total = 0;
  let bias = 0;
  for (const { surface, target, weight } of samples) {
    total += weight;
    bias += weight * target;
    for (let index = 0; index < width; index += 1)
      means[index] = (means[index] ?? 0) + weight * (surface[index] ?? 0);
  }
  const divisor = total > 0 ? total : 1;
  bias /= divisor;
  for (let index = 0; index < width; index += 1) means[index] = (means[index] ?? 0) / divisor;
  for (const { surface, weight } of samples) {
    for (let index = 0; index < width; index += 1) {
      const off = (surface[index] ?? 0) - (means[index] ?? 0);
      variances[index] = (variances[index] ?? 0) + weight * off * off;
    }
  }
  const line = {
    means: Float32Array.from(means),
    scales: Float32Array.from(variances, (sum) => (sum / divisor > 1e-9 ? 1 / Math.sqrt(sum / divisor) : 0)),
  };

  // The normal equations, a row a feature, the right-hand side last.
  const rows = Array.from({ length: width }, () => new Float64Array(width + 1));
  const values = new Float64Array(width);
  for (const { surface, target, weight } of samples) {
    for (let index = 0; index < width; index += 1) values[index] = distance(line, surface, index);
    for (let index = 0; index < width; index += 1) {
      const row = rows[index];
      const value = weight * (values[index] ?? 0);
      if (row === undefined || value === 0) continue;
      for (let other = 0; other < width; other += 1)
        row[other] = (row[other] ?? 0) + value * (values[other] ?? 0);
      row[width] = (row[width] ?? 0) + value * (target - bias);
    }
  }
  rows.forEach((row, index) => {
    row[index] = (row[index] ?? 0) + ridge;
  });
  // With the ridge the matrix is positive definite: no pivoting.
  for (let pivot = 0; pivot < width; pivot += 1) {
    const from = rows[pivot];
    for (const row of rows.slice(pivot + 1)) {
      const share = (row[pivot] ?? 0) / (from?.[pivot] ?? 1);
      if (share === 0) continue;
      for (let index = pivot; index <= width; index += 1)
        row[index] = (row[index] ?? 0) - share * (from?.[index] ?? 0);
    }
  }
  const weights = new Float64Array(width);
  for (let index = width - 1; index >= 0; index -= 1) {
    const row = rows[index];
    let rest = row?.[width] ?? 0;
    for (let other = index + 1; other < width; other += 1)
      rest -= (row?.[other] ?? 0) * (weights[other] ?? 0);
    weights[index] = rest / (row?.[index] ?? 1);
  }
  return { bias: Math.fround(bias), ...line, weights: Float32Array.from(weights) };
}
