import type { Classification, Classifier } from './classifier.js';
import { countMatches } from './count-matches.js';
import type { NeedScorer } from './need-scorer.js';
import { hintOf, MARKERS } from './reasoning-markers.js';
import type { RequestFeatures } from './request-features.js';
import { WordStarts } from './word-starts.js';

const BIAS = -2;
/** Where {@link RulesClassifier} tells hard from easy. */
export const RULES_THRESHOLD = 0.5;

let starts: WordStarts | undefined;

/** Made with the first request: an application's boot does not wait for it. */
function markersIn(text: string): Uint8Array {
  starts ??= new WordStarts(MARKERS.map(hintOf));
  return starts.find(text);
}

/**
 * The built-in classifier: words and shapes that speak for or against reasoning, summed into a logistic score.
 * English words; other languages are judged by length, numbers and code alone.
 */
export class RulesClassifier implements Classifier, NeedScorer {
  classify(features: RequestFeatures): Classification {
    const score = this.score(features);
    return { class: score >= RULES_THRESHOLD ? 'complex_reasoning' : 'simple_queries', score };
  }

  score(features: RequestFeatures): number {
    const text = features.questionText.trim();
    let sum = BIAS;
    const mayMatch = markersIn(text);
    MARKERS.forEach(({ pattern, weight, cap }, index) => {
      if (mayMatch[index] === 1) sum += weight * countMatches(text, pattern, cap);
    });
    // A long question asks for more than a short one: every doubling beyond 40 characters adds a little.
    const doublings = Math.log2(Math.max(features.questionCharacters, 1) / 40);
    sum += 0.25 * Math.min(Math.max(0, doublings), 5);
    sum += 0.15 * Math.min(features.toolCount, 4);
    return 1 / (1 + Math.exp(-sum));
  }
}
