import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedAttempt } from '../planning/index.js';
import type { StopCause } from './attempt-clock.js';
import type { PaceAlarm } from './attempt-pace.js';
import type { AttemptResult, RunningAttempt } from './attempt-runner.js';

/** A cancelled copy ends within a moment, so that its cost is in the request's record. */
const LOSER_MS = 50;

/** The time of an attempt is up. */
export interface RaceAlarm {
  readonly attempt: RunningAttempt<unknown>;
  readonly reason: PaceAlarm['reason'];
  readonly waitedMs: number;
}

interface Runner<Answer> {
  readonly attempt: RunningAttempt<Answer>;
  readonly startedAt: number;
  readonly end: Promise<void>;
  /** A second copy was sent because it took too long. */
  isSlow: boolean;
  alarm: { readonly reason: RaceAlarm['reason']; readonly at: number } | undefined;
}

/**
 * The copies of one request that are under way at once: mostly one. The first that is answered is served; the others are
 * cancelled, and have ended before it is.
 */
export class Race<Answer> {
  readonly #running: Runner<Answer>[] = [];
  readonly #ended: { planned: PlannedAttempt; result: AttemptResult<Answer> }[] = [];
  readonly #faults: unknown[] = [];
  #isClaimed = false;

  get isRunning(): boolean {
    return this.#running.length > 0;
  }

  /** One has an answer, and is about to end: nobody else may start. */
  get isWon(): boolean {
    return this.#isClaimed;
  }

  /** Of all that have ended, in the order they did. */
  get results(): readonly { readonly planned: PlannedAttempt; readonly result: AttemptResult<Answer> }[] {
    return this.#ended;
  }

  get answer(): { readonly answer: Answer } | undefined {
    for (const { result } of this.#ended) if (result.kind === 'answered') return { answer: result.answer };
    return undefined;
  }

  add(attempt: RunningAttempt<Answer>): void {
    const end = attempt.result
      .then(
        (result) => {
          this.#ended.push({ planned: attempt.planned, result });
        },
        (error: unknown) => {
          this.#faults.push(error);
        },
      )
      .then(() => {
        const index = this.#running.findIndex((runner) => runner.attempt === attempt);
        this.#running.splice(index, 1);
      });
    // An older one has had its time.
    for (const runner of this.#running) runner.alarm = undefined;
    this.#running.push({ attempt, startedAt: performance.now(), end, isSlow: false, alarm: undefined });
  }

  markSlow(attempt: RunningAttempt<unknown>): void {
    const runner = this.#running.find((other) => other.attempt === attempt);
    if (runner === undefined) return;
    runner.isSlow = true;
    runner.attempt.overdue();
  }

  /** @param alarm - From now; undefined: there is none. */
  setAlarm(attempt: RunningAttempt<unknown>, alarm: PaceAlarm | undefined): void {
    const runner = this.#running.find((other) => other.attempt === attempt);
    if (runner === undefined) return;
    runner.alarm =
      alarm?.afterMs === undefined
        ? undefined
        : { reason: alarm.reason, at: performance.now() + alarm.afterMs };
  }

  /**
   * Resolves when an attempt has ended, or with the alarm that is due.
   *
   * @throws What was thrown that is no failure of an attempt, once the others have been ended.
   */
  async next(): Promise<RaceAlarm | undefined> {
    const before = this.#running.length;
    const waiting = this.#running.find(({ alarm }) => alarm !== undefined);
    const ends: Promise<unknown>[] = this.#running.map(({ end }) => end);
    let timer: NodeJS.Timeout | undefined;
    if (waiting?.alarm !== undefined) {
      const { at } = waiting.alarm;
      ends.push(
        new Promise((resolve) => {
          timer = setTimeout(resolve, Math.max(0, at - performance.now()), true);
        }),
      );
    }
    const isDue = await Promise.race(ends);
    clearTimeout(timer);
    if (this.#faults.length > 0 && !this.#isClaimed) {
      for (const { attempt } of this.#running) attempt.stop('hedge_lost');
      throw this.#faults[0];
    }
    if (isDue === true) {
      // It may have been taken back while the timer ran.
      if (waiting?.alarm === undefined) return undefined;
      const { reason } = waiting.alarm;
      waiting.alarm = undefined;
      return alarmOf(waiting, reason);
    }
    // One has failed while another, that was slow already, goes on: somebody else is to be asked at once.
    const [left] = this.#running;
    if (left !== undefined && left.alarm === undefined && this.#running.length < before) {
      return alarmOf(left, 'move_on');
    }
    return undefined;
  }

  /**
   * Asked by an attempt that has an answer. True for the first; the others have ended by then.
   *
   * @param causeOf - Why a loser is ended.
   */
  async claim(
    winner: RunningAttempt<Answer>,
    causeOf: (
      loser: PlannedAttempt,
      how: { readonly isSlow: boolean; readonly waitedMs: number },
    ) => StopCause,
  ): Promise<boolean> {
    if (this.#isClaimed) return false;
    this.#isClaimed = true;
    const losers = this.#running.filter(({ attempt }) => attempt !== winner);
    if (losers.length === 0) return true;
    for (const { attempt, isSlow, startedAt } of losers) {
      attempt.stop(causeOf(attempt.planned, { isSlow, waitedMs: performance.now() - startedAt }));
    }
    await Promise.race([
      Promise.all(losers.map(({ end }) => end)),
      delay(LOSER_MS, undefined, { ref: false }),
    ]);
    return true;
  }
}

function alarmOf(runner: Runner<unknown>, reason: RaceAlarm['reason']): RaceAlarm {
  return { attempt: runner.attempt, reason, waitedMs: performance.now() - runner.startedAt };
}
