import type { AlertSubject, FeedbackGiven } from '../../telemetry/index.js';
import { RollingCounts } from '../rolling-counts.js';
import { type AlertLook, type AlertWatch, duration, type WatchSettings } from './alert-watch.js';
import { upperBound } from './wilson-bound.js';

/** Scores are kept to a ten-thousandth. */
const UNITS = 10_000;
/** Half as good as it should be. */
const CRITICAL_AT = 0.5;
/** So much of what is missing to 1 the mean must have made up for, above the least, before the alert is cleared. */
const CLEAR_ABOVE = 0.1;

/** What the answers of one model on one surface are worth, by evaluators and by feedback. */
export class QualityWatch implements AlertWatch {
  readonly kind = 'quality';
  readonly isLowBad = true;
  /** Scores, and their sum. */
  readonly #scores: RollingCounts;

  constructor(
    readonly subject: AlertSubject,
    private readonly settings: () => WatchSettings,
  ) {
    this.#scores = new RollingCounts(settings().slowWindowMs, 2);
  }

  get threshold(): number {
    return this.settings().quality.minScore;
  }

  get windowMs(): number {
    return this.settings().slowWindowMs;
  }

  /** @param replaces - What was said of the same answer before: an answer is one, however often it is judged. */
  add(nowMs: number, score: number, replaces?: FeedbackGiven['replaces']): void {
    // Whoever emits them has seen to the range; a sum that is no number would never get well.
    if (!isScore(score)) return;
    if (replaces !== undefined && isScore(replaces.score)) {
      this.#scores.takeBack(nowMs, replaces.atMs, [1, unitsOf(replaces.score)]);
    }
    this.#scores.add(nowMs, 0);
    this.#scores.add(nowMs, 1, unitsOf(score));
  }

  look(nowMs: number): AlertLook {
    const { quality, z } = this.settings();
    const { minScore, minAnswers } = quality;
    const [count = 0, sum = 0] = this.#scores.read(nowMs);
    const mean = count === 0 ? 1 : sum / count / UNITS;
    const atMost = count >= minAnswers ? upperBound(mean, count, z) : 1;
    const isWell = count === 0 || mean >= minScore + (1 - minScore) * CLEAR_ABOVE;
    return {
      state:
        atMost < minScore * CRITICAL_AT
          ? 'critical'
          : atMost < minScore
            ? 'warning'
            : isWell
              ? 'well'
              : 'standing',
      value: mean,
      requests: count,
      text: `score ${mean.toFixed(2)} of ${count} answers in ${duration(this.windowMs)} (at least ${minScore})`,
    };
  }
}

function isScore(score: number): boolean {
  return score >= 0 && score <= 1;
}

function unitsOf(score: number): number {
  return Math.round(score * UNITS);
}
