import { HASHED_PLACES, type HashedTerms } from './hashed-terms.js';
import { shuffledIndices } from './seeded-random.js';

/** A weight for each hashed place. */
export interface LinearModel {
  readonly bias: number;
  /** Of -127 to 127; times {@link scale} they are the weights. */
  readonly weights: Int8Array;
  readonly scale: number;
}

export interface LinearSample {
  readonly terms: HashedTerms;
  readonly target: number;
  /** How much it counts. */
  readonly weight: number;
}

export function predictLinear(model: LinearModel, { places, values }: HashedTerms): number {
  let sum = 0;
  for (let index = 0; index < places.length; index += 1) {
    sum += (model.weights[places[index] ?? 0] ?? 0) * (values[index] ?? 0);
  }
  return model.bias + sum * model.scale;
}

/**
 * Ridge regression by dual coordinate ascent: additions, products and roots alone, so that every machine comes to the
 * same bits.
 *
 * @param ridge - How much the weights are held back; 1 is the weight of one sample.
 */
export function fitLinear(
  samples: readonly LinearSample[],
  ridge: number,
  random: () => number,
  epochs = 20,
): LinearModel {
  let total = 0;
  let bias = 0;
  for (const { target, weight } of samples) {
    total += weight;
    bias += weight * target;
  }
  bias = total > 0 ? bias / total : 0;
  const weights = new Float64Array(HASHED_PLACES);
  const duals = new Float64Array(samples.length);
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for (const index of shuffledIndices(samples.length, random)) {
      const sample = samples[index];
      if (sample === undefined || sample.weight <= 0) continue;
      const { places, values } = sample.terms;
      let predicted = 0;
      let squares = 0;
      for (let term = 0; term < places.length; term += 1) {
        const value = values[term] ?? 0;
        predicted += (weights[places[term] ?? 0] ?? 0) * value;
        squares += value * value;
      }
      const held = ridge / sample.weight;
      const dual = duals[index] ?? 0;
      const step = (sample.target - bias - predicted - held * dual) / (squares + held);
      duals[index] = dual + step;
      for (let term = 0; term < places.length; term += 1) {
        const place = places[term] ?? 0;
        weights[place] = (weights[place] ?? 0) + step * (values[term] ?? 0);
      }
    }
  }
  return quantised(weights, bias);
}

function quantised(weights: Float64Array, bias: number): LinearModel {
  let largest = 0;
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight));
  const scale = Math.fround(largest / 127);
  return {
    bias: Math.fround(bias),
    weights: Int8Array.from(weights, (weight) => (scale > 0 ? Math.round(weight / scale) : 0)),
    scale,
  };
}
