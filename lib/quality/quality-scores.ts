import type { AnswerEvaluated, AnswerFault, FeedbackGiven, TelemetryBus } from '../telemetry/index.js';
import type { QualityFigures, QualityReport } from './quality-report.js';

const SLOT_MS = 3_600_000;
const SLOTS = 24;
/** Of model, class and surface together. Names come from the configuration, but there may be many. */
const MAX_SERIES = 2_000;

type Counts = Record<AnswerFault, number> & {
  evaluated: number;
  scores: number;
  feedback: number;
  feedbackScores: number;
};

function noCounts(): Counts {
  return {
    evaluated: 0,
    scores: 0,
    feedback: 0,
    feedbackScores: 0,
    schema_invalid: 0,
    tool_call_invalid: 0,
    refusal: 0,
    empty: 0,
    cut_off: 0,
    wrong_language: 0,
  };
}

interface Series {
  readonly model: string;
  readonly requestClass: string;
  readonly surface: string;
  /** By the hour. */
  readonly slots: Map<number, Counts>;
}

/**
 * Quality by model, class and surface over the last 24 hours, to the hour. In bounded memory: beyond 2,000 of them the one
 * that had no answer for longest goes.
 */
export class QualityScores {
  /** The one with the oldest answer first, to the hour. */
  readonly #series = new Map<string, Series>();

  constructor(
    bus: TelemetryBus,
    private readonly now: () => number = Date.now,
  ) {
    bus.on('answer-evaluated', (evaluated) => {
      this.learn(evaluated);
    });
    bus.on('feedback-given', (given) => {
      this.hear(given);
    });
  }

  report(): QualityReport {
    const oldest = this.slot(this.now()) - SLOTS;
    const scores: QualityFigures[] = [];
    for (const [key, series] of this.#series) {
      forget(series, oldest);
      if (series.slots.size === 0) this.#series.delete(key);
      else scores.push(read(series));
    }
    return {
      windowMs: SLOTS * SLOT_MS,
      scores: scores.sort((first, second) => second.evaluated - first.evaluated),
    };
  }

  private learn(evaluated: AnswerEvaluated): void {
    const counts = this.counts(evaluated);
    counts.evaluated += 1;
    counts.scores += evaluated.score;
    for (const fault of evaluated.faults) counts[fault] += 1;
  }

  private hear(given: FeedbackGiven): void {
    const counts = this.counts(given);
    counts.feedback += 1;
    counts.feedbackScores += given.score;
    if (given.replaces === undefined) return;
    // Where it was counted; out of the window it counts no longer anyway.
    const before = this.#series.get(keyOf(given))?.slots.get(this.slot(given.replaces.atMs));
    if (before === undefined || before.feedback === 0) return;
    before.feedback -= 1;
    before.feedbackScores -= given.replaces.score;
  }

  private slot(atMs: number): number {
    return Math.floor(atMs / SLOT_MS);
  }

  private counts(event: AnswerEvaluated | FeedbackGiven): Counts {
    const key = keyOf(event);
    const slot = this.slot(this.now());
    let series = this.#series.get(key);
    const known = series?.slots.get(slot);
    if (known !== undefined) return known;
    const { model, requestClass, surface } = event;
    series ??= { model, requestClass, surface, slots: new Map() };
    forget(series, slot - SLOTS);
    const counts = noCounts();
    series.slots.set(slot, counts);
    this.#series.delete(key);
    this.#series.set(key, series);
    if (this.#series.size > MAX_SERIES) {
      const [oldest] = this.#series.keys();
      if (oldest !== undefined) this.#series.delete(oldest);
    }
    return counts;
  }
}

function keyOf({ model, requestClass, surface }: AnswerEvaluated | FeedbackGiven): string {
  return `${model}\n${requestClass}\n${surface}`;
}

function forget({ slots }: Series, oldest: number): void {
  for (const slot of slots.keys()) if (slot <= oldest) slots.delete(slot);
}

function read({ model, requestClass, surface, slots }: Series): QualityFigures {
  const sum = noCounts();
  for (const counts of slots.values()) {
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
  }
  const { evaluated, scores, feedback, feedbackScores, ...faults } = sum;
  return {
    model,
    requestClass,
    surface,
    evaluated,
    score: mean(scores, evaluated),
    faults,
    feedback: { count: feedback, score: mean(feedbackScores, feedback) },
  };
}

function mean(sum: number, count: number): number | null {
  return count === 0 ? null : Math.round((sum / count) * 10_000) / 10_000;
}
