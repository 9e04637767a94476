import type { NeedScorer } from '../need-scorer.js';
import type { RequestFeatures } from '../request-features.js';
import { builtInWeights } from './built-in-weights.js';
import { type NeedModel, predictMargin } from './need-model.js';
import { readRequest } from './read-request.js';
import { decodeWeights } from './weights-file.js';

let builtIn: NeedModel | undefined;

/** The shipped model; read when it is first asked for. */
export function builtInModel(): NeedModel {
  builtIn ??= decodeWeights(Buffer.from(builtInWeights, 'base64'));
  return builtIn;
}

/**
 * The built-in scorer: a linear model on hashed words and pieces of words beside boosted trees on what can be seen of a
 * text (length, numbers, code, options, …), trained on the measured gain of a strong model over a weak one and on everyday
 * prompts. At or above 0.5 a request is for a strong model. Offline, synchronous; reads at most 8 KB of the last user turn.
 *
 * @example
 * ```ts
 * const scorer = new TrainedScorer();                              // the shipped weights
 * const own = new TrainedScorer(await readFile('weights.bin'));    // what `train` wrote
 * ```
 * @publicApi
 */
export class TrainedScorer implements NeedScorer {
  private readonly model: NeedModel;

  /**
   * @param weights - A file that `train` wrote; without: the shipped weights.
   * @throws {@link WeightsFileError} for a file that cannot be used.
   */
  constructor(weights?: Uint8Array) {
    this.model = weights === undefined ? builtInModel() : decodeWeights(weights);
  }

  score(features: RequestFeatures): number {
    const margin = predictMargin(this.model, readRequest(features));
    return 1 / (1 + Math.exp(-margin));
  }
}
