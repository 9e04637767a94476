/** Calls that wait so many times longer than 95 of 100 usually do are overdue. */
const OVERDUE_RATIO = 1.5;
/** Nobody notices less. */
const MIN_OVERDUE_MS = 250;
/** Older evidence says nothing of now. */
const EVIDENCE_MS = 10_000;
/** One overdue call is an accident. */
const MIN_EVIDENCE = 2;
/** Starts of answered calls kept: more never outweigh the evidence. */
const KEPT_ANSWERS = 64;

export interface Waiting {
  readonly startedAtMs: number;
  readonly streamed: boolean;
}

/** What usually is the longest wait, in milliseconds; undefined: not known. */
export interface UsualWaits {
  readonly p95TimeToFirstTokenMs: number | undefined;
  readonly p95LatencyMs: number | undefined;
}

/**
 * Tells that a deployment has stopped answering at its usual pace, before the calls that show it have ended. The evidence
 * is calls that are overdue and calls given up on; what refutes it is answers to calls that were sent after them: a slow
 * tail is overtaken by its successors, a stalled provider is not.
 */
export class PaceWatch {
  readonly #answers: number[] = [];
  #nextAnswer = 0;
  #givenUp: number[] = [];

  answered(startedAtMs: number): void {
    // It was overdue, and has answered after all.
    const index = this.#givenUp.indexOf(startedAtMs);
    if (index >= 0) this.#givenUp.splice(index, 1);
    this.#answers[this.#nextAnswer] = startedAtMs;
    this.#nextAnswer = (this.#nextAnswer + 1) % KEPT_ANSWERS;
  }

  givenUp(startedAtMs: number, nowMs: number): void {
    this.#givenUp = this.#givenUp.filter((atMs) => nowMs - atMs <= EVIDENCE_MS).slice(-KEPT_ANSWERS);
    this.#givenUp.push(startedAtMs);
  }

  /** What was seen has had its consequence. */
  forgetGivenUp(): void {
    this.#givenUp = [];
  }

  isSlow(waiting: Iterable<Waiting>, usual: UsualWaits, nowMs: number): boolean {
    const evidence = this.#givenUp.filter((startedAtMs) => nowMs - startedAtMs <= EVIDENCE_MS);
    for (const { startedAtMs, streamed } of waiting) {
      const usualMs = streamed ? usual.p95TimeToFirstTokenMs : usual.p95LatencyMs;
      if (usualMs === undefined) continue;
      const waitedMs = nowMs - startedAtMs;
      if (waitedMs > Math.max(usualMs * OVERDUE_RATIO, MIN_OVERDUE_MS)) evidence.push(startedAtMs);
    }
    if (evidence.length < MIN_EVIDENCE) return false;
    // The newest first: one old straggler must not bring in all the answers since, which say nothing of the others.
    evidence.sort((first, second) => second - first);
    return evidence.some((sinceMs, index) => {
      if (index + 1 < MIN_EVIDENCE) return false;
      let answers = 0;
      for (const startedAtMs of this.#answers) if (startedAtMs > sinceMs) answers += 1;
      return answers <= index;
    });
  }
}
