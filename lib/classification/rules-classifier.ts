import type { Classification, Classifier } from './classifier.js';
import type { RequestFeatures } from './request-features.js';

interface Marker {
  readonly pattern: RegExp;
  readonly weight: number;
  /** Counted at most so often. */
  readonly cap: number;
}

// Fixed patterns of ours over at most 8 KB, none with nested quantifiers: linear in the text.
const MARKERS: readonly Marker[] = [
  {
    pattern: /\b(?:prove|proof|derive|deduce|theorem|lemma|induction|contradiction)\b/gi,
    weight: 1.8,
    cap: 2,
  },
  {
    pattern:
      /\b(?:analy[sz]e|analysis|evaluate|compare|contrast|critique|trade-?offs?|implications?|justify|assess|pros and cons)\b/gi,
    weight: 1.1,
    cap: 2,
  },
  {
    pattern:
      /\b(?:design|architect(?:ure)?|strategy|roadmap|plan out|migrat(?:e|ion)|scal(?:e|able|ability)|distributed|consensus|concurren(?:t|cy))\b/gi,
    weight: 0.9,
    cap: 3,
  },
  {
    pattern:
      /\b(?:debug|race condition|deadlock|memory leak|stack trace|refactor|optimi[sz]e|time complexity|algorithm|implement|root cause)\b/gi,
    weight: 1.1,
    cap: 3,
  },
  {
    pattern:
      /\b(?:step[- ]by[- ]step|reason(?:ing)? through|think carefully|explain why|why does|show your work|in detail|thorough(?:ly)?)\b/gi,
    weight: 1.2,
    cap: 2,
  },
  {
    pattern:
      /\b(?:integral|derivative|eigenvalue|matrix|probability|differential|equation|polynomial|optimal|optimum|expected value|solve)\b/gi,
    weight: 0.8,
    cap: 3,
  },
  { pattern: /```|\b(?:function|class|def|SELECT|import|return)\b[^\n]{0,40}[({;:]/g, weight: 0.9, cap: 2 },
  { pattern: /^\s*(?:\d+[.)]|[-*])\s/gm, weight: 0.25, cap: 6 },
  {
    pattern: /\b(?:must|should|constraint|given that|assume|suppose|such that|subject to|unless)\b/gi,
    weight: 0.3,
    cap: 4,
  },
  { pattern: /[=<>≤≥∑∫√±^]/g, weight: 0.15, cap: 6 },
  {
    pattern: /^\s*(?:hi|hello|hey|thanks|thank you|good (?:morning|evening|afternoon)|ok(?:ay)?)\b/gi,
    weight: -1.5,
    cap: 1,
  },
  {
    pattern:
      /\b(?:translate|spell(?:ing)?|synonym|define|capital of|what time|opening hours|convert|rephrase|shorten|correct the grammar)\b/gi,
    weight: -1.2,
    cap: 1,
  },
  { pattern: /^\s*(?:what|who|when|where|which) (?:is|are|was|were)\b/gi, weight: -0.7, cap: 1 },
];

const BIAS = -1.6;
const THRESHOLD = 0.5;

function count(text: string, marker: Marker): number {
  let found = 0;
  for (const _match of text.matchAll(marker.pattern)) {
    found += 1;
    if (found >= marker.cap) break;
  }
  return found;
}

/**
 * The built-in classifier: words and shapes that speak for or against reasoning, summed into a logistic score.
 * English words; other languages are judged by length, numbers and code alone.
 */
export class RulesClassifier implements Classifier {
  classify(features: RequestFeatures): Classification {
    const text = features.questionText;
    let sum = BIAS;
    for (const marker of MARKERS) sum += marker.weight * count(text, marker);
    // A long question asks for more than a short one; a doubling beyond 200 characters adds a little each.
    sum += 0.35 * Math.max(0, Math.log2(Math.max(features.questionCharacters, 1) / 200));
    sum += 0.15 * Math.min(features.toolCount, 4);
    const score = 1 / (1 + Math.exp(-sum));
    return { class: score >= THRESHOLD ? 'complex_reasoning' : 'simple_queries', score };
  }
}
