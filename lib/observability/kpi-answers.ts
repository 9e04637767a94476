import type { KpiWindow, KpiWindowReport } from './kpi-query.js';
import type { CheckedKpiQuery } from './kpi-read-query.js';

/** How old an answer may be that took long to reckon: little beside what it is about. */
const MAX_AGE_MS: Readonly<Record<KpiWindow, number>> = {
  '1m': 1_000,
  '5m': 1_000,
  '1h': 5_000,
  '24h': 30_000,
  start: 5_000,
};
/** About ten milliseconds. What takes less is reckoned anew each time. */
const LEAST_CELLS = 10_000;
/** A page asks two questions; each answer may have a row for each combination of names. */
const MAX_ANSWERS = 16;

export interface Reckoned {
  readonly report: KpiWindowReport;
  /** How many were added up for it. */
  readonly cells: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/**
 * Answers that were dear: a day of thousands of combinations takes a tenth of a second and more, and a page asks for it
 * every two seconds. Their `to` says of when they are.
 */
export class KpiAnswers {
  /** The oldest first. */
  readonly #answers = new Map<string, { readonly atMs: number; readonly report: KpiWindowReport }>();
  /** Those that are being reckoned, by their questions. */
  readonly #underWay = new Map<string, Promise<KpiWindowReport>>();

  find(query: CheckedKpiQuery, nowMs: number): KpiWindowReport | undefined {
    const answer = this.#answers.get(textOf(query));
    if (answer === undefined) return undefined;
    const ageMs = nowMs - answer.atMs;
    if (ageMs >= 0) return ageMs < MAX_AGE_MS[query.window] ? answer.report : undefined;
    // The clock was set back.
    this.#answers.delete(textOf(query));
    return undefined;
  }

  keep(query: CheckedKpiQuery, { report, cells, atMs }: Reckoned): void {
    const text = textOf(query);
    // Somebody who could not wait has asked after the one that took its time.
    if ((this.#answers.get(text)?.atMs ?? atMs) > atMs) return;
    this.#answers.delete(text);
    if (cells < LEAST_CELLS) return;
    this.#answers.set(text, { atMs, report });
    if (this.#answers.size <= MAX_ANSWERS) return;
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined) this.#answers.delete(oldest);
  }

  /** The answer that is being reckoned to the same question, or else this one, which is kept. */
  share(query: CheckedKpiQuery, reckon: () => Promise<Reckoned>): Promise<KpiWindowReport> {
    const text = textOf(query);
    const underWay = this.#underWay.get(text);
    if (underWay !== undefined) return underWay;
    const answer = reckon().then(
      (reckoned) => {
        // Where all were cleared meanwhile it is of before that.
        if (this.#underWay.get(text) === answer) {
          this.#underWay.delete(text);
          this.keep(query, reckoned);
        }
        return reckoned.report;
      },
      (error: unknown) => {
        if (this.#underWay.get(text) === answer) this.#underWay.delete(text);
        throw error;
      },
    );
    this.#underWay.set(text, answer);
    return answer;
  }

  clear(): void {
    this.#answers.clear();
    this.#underWay.clear();
  }
}

function textOf({ window, by, step }: CheckedKpiQuery): string {
  return `${window} ${by.join()} ${step ?? ''}`;
}
