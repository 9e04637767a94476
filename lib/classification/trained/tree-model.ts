import { shuffledIndices } from './seeded-random.js';

/**
 * Trees of one depth, each complete: node `n` of a tree has the children `2n + 1` and `2n + 2`. A value at or under the
 * threshold goes to the first.
 */
export interface TreeModel {
  readonly depth: number;
  readonly bias: number;
  /** Feature of each inner node, tree after tree. */
  readonly features: Uint8Array;
  readonly thresholds: Float32Array;
  /** Value of each leaf, tree after tree. */
  readonly leaves: Float32Array;
}

export interface TreeSample {
  readonly surface: Float64Array;
  readonly target: number;
  readonly weight: number;
}

export interface TreeFit {
  readonly trees: number;
  readonly depth: number;
  /** Each tree gives so much of what it found. */
  readonly shrinkage: number;
  /** Weight that a leaf's value is divided by besides that of its samples. */
  readonly ridge: number;
  /** The least weight on either side of a split. */
  readonly leastWeight: number;
  /** Share of the samples, and of the features, that each tree sees. */
  readonly sampleShare: number;
  readonly featureShare: number;
}

const BINS = 32;

export function predictTrees(model: TreeModel, surface: Float64Array): number {
  const inner = (1 << model.depth) - 1;
  const leaves = inner + 1;
  const trees = model.leaves.length / leaves;
  let sum = model.bias;
  for (let tree = 0; tree < trees; tree += 1) {
    let node = 0;
    for (let level = 0; level < model.depth; level += 1) {
      const at = tree * inner + node;
      const value = surface[model.features[at] ?? 0] ?? 0;
      node = 2 * node + (value <= (model.thresholds[at] ?? 0) ? 1 : 2);
    }
    sum += model.leaves[tree * leaves + node - inner] ?? 0;
  }
  return sum;
}

/** Borders between the bins of a feature: quantiles of its values, those that differ. */
function bordersOf(values: Float64Array): Float32Array {
  const sorted = values.slice().sort();
  const borders: number[] = [];
  for (let bin = 1; bin < BINS; bin += 1) {
    // In single precision, as the file holds them: what is fitted is what is shipped.
    const border = Math.fround(sorted[Math.floor((bin * sorted.length) / BINS)] ?? 0);
    const last = borders.at(-1);
    if ((last === undefined || border > last) && border < (sorted.at(-1) ?? 0)) borders.push(border);
  }
  return Float32Array.from(borders);
}

/** The bin of a value: the number of borders under it. */
function binOf(value: number, borders: Float32Array): number {
  let bin = 0;
  while (bin < borders.length && value > (borders[bin] ?? 0)) bin += 1;
  return bin;
}

/** Gradient boosting on the squared error, over histograms; the same bits for the same seed. */
export function fitTrees(samples: readonly TreeSample[], fit: TreeFit, random: () => number): TreeModel {
  const count = samples.length;
  const width = samples[0]?.surface.length ?? 0;
  const inner = (1 << fit.depth) - 1;
  const leafCount = inner + 1;
  const borders: Float32Array[] = [];
  const bins: Uint8Array[] = [];
  for (let feature = 0; feature < width; feature += 1) {
    const column = Float64Array.from(samples, (sample) => sample.surface[feature] ?? 0);
    const found = bordersOf(column);
    borders.push(found);
    bins.push(Uint8Array.from(column, (value) => binOf(value, found)));
  }
  let total = 0;
  let bias = 0;
  for (const { target, weight } of samples) {
    total += weight;
    bias += weight * target;
  }
  bias = Math.fround(total > 0 ? bias / total : 0);
  const residuals = Float64Array.from(samples, (sample) => sample.target - bias);
  const weights = Float64Array.from(samples, (sample) => sample.weight);
  const features = new Uint8Array(fit.trees * inner);
  const thresholds = new Float32Array(fit.trees * inner).fill(Infinity);
  const leaves = new Float32Array(fit.trees * leafCount);
  const nodes = new Uint8Array(count);
  const sums = new Float64Array(leafCount * BINS);
  const masses = new Float64Array(leafCount * BINS);

  for (let tree = 0; tree < fit.trees; tree += 1) {
    const seen = shuffledIndices(count, random)
      .subarray(0, Math.ceil(count * fit.sampleShare))
      .slice()
      .sort();
    const tried = shuffledIndices(width, random)
      .subarray(0, Math.ceil(width * fit.featureShare))
      .slice()
      .sort();
    nodes.fill(0);
    for (let level = 0; level < fit.depth; level += 1) {
      const first = (1 << level) - 1;
      const here = 1 << level;
      const bestGain = new Float64Array(here).fill(1e-9);
      const bestFeature = new Int32Array(here).fill(-1);
      const bestBin = new Int32Array(here);
      for (const feature of tried) {
        const column = bins[feature];
        const splits = borders[feature]?.length ?? 0;
        if (column === undefined || splits === 0) continue;
        sums.fill(0, 0, here * BINS);
        masses.fill(0, 0, here * BINS);
        for (const index of seen) {
          const slot = ((nodes[index] ?? 0) - first) * BINS + (column[index] ?? 0);
          const weight = weights[index] ?? 0;
          sums[slot] = (sums[slot] ?? 0) + weight * (residuals[index] ?? 0);
          masses[slot] = (masses[slot] ?? 0) + weight;
        }
        for (let node = 0; node < here; node += 1) {
          let sum = 0;
          let mass = 0;
          for (let bin = 0; bin <= splits; bin += 1) {
            sum += sums[node * BINS + bin] ?? 0;
            mass += masses[node * BINS + bin] ?? 0;
          }
          const whole = (sum * sum) / (mass + fit.ridge);
          let leftSum = 0;
          let leftMass = 0;
          for (let bin = 0; bin < splits; bin += 1) {
            leftSum += sums[node * BINS + bin] ?? 0;
            leftMass += masses[node * BINS + bin] ?? 0;
            const rightMass = mass - leftMass;
            if (leftMass < fit.leastWeight || rightMass < fit.leastWeight) continue;
            const rightSum = sum - leftSum;
            const gain =
              (leftSum * leftSum) / (leftMass + fit.ridge) +
              (rightSum * rightSum) / (rightMass + fit.ridge) -
              whole;
            if (gain > (bestGain[node] ?? 0)) {
              bestGain[node] = gain;
              bestFeature[node] = feature;
              bestBin[node] = bin;
            }
          }
        }
      }
      for (let node = 0; node < here; node += 1) {
        const feature = bestFeature[node] ?? -1;
        if (feature < 0) continue;
        features[tree * inner + first + node] = feature;
        thresholds[tree * inner + first + node] = borders[feature]?.[bestBin[node] ?? 0] ?? Infinity;
      }
      for (let index = 0; index < count; index += 1) {
        const node = nodes[index] ?? 0;
        const feature = bestFeature[node - first] ?? -1;
        const goesLeft = feature < 0 || (bins[feature]?.[index] ?? 0) <= (bestBin[node - first] ?? 0);
        nodes[index] = 2 * node + (goesLeft ? 1 : 2);
      }
    }
    const leafSums = new Float64Array(leafCount);
    const leafMasses = new Float64Array(leafCount);
    for (const index of seen) {
      const leaf = (nodes[index] ?? 0) - inner;
      const weight = weights[index] ?? 0;
      leafSums[leaf] = (leafSums[leaf] ?? 0) + weight * (residuals[index] ?? 0);
      leafMasses[leaf] = (leafMasses[leaf] ?? 0) + weight;
    }
    for (let leaf = 0; leaf < leafCount; leaf += 1) {
      leaves[tree * leafCount + leaf] =
        (fit.shrinkage * (leafSums[leaf] ?? 0)) / ((leafMasses[leaf] ?? 0) + fit.ridge);
    }
    for (let index = 0; index < count; index += 1) {
      const leaf = (nodes[index] ?? 0) - inner;
      residuals[index] = (residuals[index] ?? 0) - (leaves[tree * leafCount + leaf] ?? 0);
    }
  }
  return { depth: fit.depth, bias, features, thresholds, leaves };
}
