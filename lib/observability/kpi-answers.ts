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

/**
 * Answers that were dear: a day of thousands of combinations takes a tenth of a second, in which nobody else is served, and
 * a page asks for it every two seconds. Their `to` says of when they are.
 */
export class KpiAnswers {
  /** The oldest first. */
  readonly #answers = new Map<string, { readonly atMs: number; readonly report: KpiWindowReport }>();

  find(query: CheckedKpiQuery, nowMs: number): KpiWindowReport | undefined {
    const answer = this.#answers.get(textOf(query));
    if (answer === undefined) return undefined;
    const ageMs = nowMs - answer.atMs;
    // A clock that was set back makes it one of the future.
    return ageMs >= 0 && ageMs < MAX_AGE_MS[query.window] ? answer.report : undefined;
  }

  /** @param cells - How many were added up for it. */
  keep(query: CheckedKpiQuery, report: KpiWindowReport, cells: number, nowMs: number): void {
    const text = textOf(query);
    this.#answers.delete(text);
    if (cells < LEAST_CELLS) return;
    this.#answers.set(text, { atMs: nowMs, report });
    if (this.#answers.size <= MAX_ANSWERS) return;
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined) this.#answers.delete(oldest);
  }

  clear(): void {
    this.#answers.clear();
  }
}

function textOf({ window, by, step }: CheckedKpiQuery): string {
  return `${window} ${by.join()} ${step ?? ''}`;
}
