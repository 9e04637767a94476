import { setTimeout as delay } from 'node:timers/promises';
import { MIN_AFFORDABLE_OUTPUT_TOKENS } from '../cost/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import type { ProviderError } from '../errors/provider-error.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import { type PlannedAttempt, promptOf } from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import { alarmAfterCall } from './attempt-pace.js';
import {
  type AttemptResult,
  clientOf,
  type Kind,
  type RunningAttempt,
  startAttempt,
} from './attempt-runner.js';
import { type CascadeBudgets, payIntoBudgets } from './cascade-budgets.js';
import { type CascadeMoment, MIN_ATTEMPT_MS } from './cascade-moment.js';
import { type CascadeState, continueCascade, startCascade, withCall, withoutCall } from './cascade-state.js';
import { causeOfLoss, chooseBeside, isBetterLeft } from './choose-beside.js';
import { affordableTokens, type PlannedExecution, remainingMs } from './execution.js';
import { callerGone, failureOf, rejectionOf } from './failure-of.js';
import { type EndStep, nextStep, type RoomStep } from './next-step.js';
import { noteFailure } from './note-failure.js';
import { Race, type RaceAlarm } from './race.js';
import type { RoomPlace, WaitingRoom } from './waiting-room.js';

/** What all requests share. */
export interface CascadeParts extends CascadeBudgets {
  readonly bus: TelemetryBus;
  readonly room: WaitingRoom;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

interface Failure {
  readonly planned: PlannedAttempt;
  readonly error: ProviderError;
}

/**
 * The attempts of one request: one deadline, one attempt count and one dollar ceiling over all of them. The next deployment
 * at once when one fails; the same one again only where no other is left, after a pause, and under the budget of re-sends.
 * Who is called next is decided by the live state of that moment, in the plan's order ({@link nextStep}): here it is done.
 */
export class Cascade<Prepared, Answer> {
  #state: CascadeState;
  readonly #failures: Failure[] = [];
  #unsayable: InvalidRequestError | undefined;
  readonly #isContinuation: boolean;

  constructor(
    private readonly parts: CascadeParts,
    private readonly execution: PlannedExecution,
    private readonly kind: Kind<Prepared, Answer>,
    /** The cascade that this one goes on from: its attempts count, and whom it called is not called again. */
    before?: Cascade<Prepared, Answer>,
  ) {
    this.#isContinuation = before !== undefined;
    const { plan, labels, mayOverlap, settings } = execution;
    const terms = { plan, streamed: labels.streamed, mayOverlap, retries: settings.retries };
    if (before !== undefined) {
      this.#state = continueCascade(terms, before.#state);
      return;
    }
    this.#state = startCascade(terms);
    payIntoBudgets(parts, settings);
  }

  /** Calls so far. */
  get attempts(): number {
    return this.#state.attempts;
  }

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async run(): Promise<Answer> {
    const { signal } = this.execution;
    let isLastResort = false;
    for (;;) {
      if (signal?.aborted) throw callerGone(signal);
      const step = nextStep(this.#state, this.moment(), isLastResort);
      this.#state = step.state;
      isLastResort = false;
      switch (step.kind) {
        case 'call': {
          if (step.isResend) this.parts.resends.take();
          const answer = await this.send(step.planned, undefined);
          if (answer !== undefined) return answer.answer;
          break;
        }
        case 'look_again':
          await this.sleep(step.afterMs);
          break;
        case 'wait_for_room': {
          const place = await this.waitForRoom(step);
          const answer = place === undefined ? undefined : await this.enter(place);
          if (answer !== undefined) return answer.answer;
          // A call that failed is no wait.
          isLastResort = step.isLastResort && place === undefined;
          break;
        }
        case 'end':
          throw this.errorOf(step);
      }
    }
  }

  private moment(): CascadeMoment {
    const { execution, parts } = this;
    const clockMs = performance.now();
    const elapsedMs = clockMs - execution.startedAt;
    return {
      nowMs: Date.now(),
      clockMs,
      elapsedMs,
      leftMs: execution.plan.deadlineMs - elapsedMs,
      signals: execution.signals,
      reserved: (deployment) => parts.room.reserved(deployment),
      mayResend: parts.resends.has,
      isServable: (planned) => this.isServable(planned),
      isSayable: (planned) => this.isSayable(planned),
      random: parts.random,
    };
  }

  private isServable(planned: PlannedAttempt): boolean {
    return (
      // What was said already is part of the prompt of a continuation.
      (!this.#isContinuation ||
        (planned.deployment.contextWindow ?? Number.POSITIVE_INFINITY) >
          promptOf(planned.deployment, this.execution.features).inputTokens) &&
      affordableTokens(this.execution, planned) >= MIN_AFFORDABLE_OUTPUT_TOKENS
    );
  }

  /** Prepared again when its turn comes: by then there may be fewer dollars left, and it is rarely asked. */
  private isSayable(planned: PlannedAttempt): boolean {
    try {
      this.kind.prepare(clientOf(this.execution, planned), planned);
      return true;
    } catch (error) {
      // Any other fault shows at its own attempt.
      return !(error instanceof InvalidRequestError);
    }
  }

  private errorOf({ reason, retryAfterMs, state }: EndStep): Error {
    switch (reason) {
      case 'resting':
        return new RateLimitedError(retryAfterMs);
      case 'full':
        return new OverloadedError(
          'All models that may serve this request are at capacity, and none came free in time.',
          this.parts.room.retryAfterMs(state.queue.map(({ deployment }) => deployment)),
        );
      case 'failed':
        return failureOf(this.execution, {
          failures: this.#failures,
          unsayable: this.#unsayable,
          isOverdue: state.isOverdue,
        });
    }
  }

  /** Undefined: it is to be looked again. @throws {@link OverloadedError} */
  private async waitForRoom(step: RoomStep): Promise<RoomPlace | undefined> {
    const { inTimeMs, atMostMs, elseAfterMs, without, state } = step;
    const { plan, settings, signal, hasShare = false } = this.execution;
    let place: RoomPlace | undefined;
    try {
      place = await this.parts.room.wait({
        deployments: state.queue.map(({ deployment }) => deployment),
        isBackground: plan.workload === 'background' && !hasShare,
        // A share that others come before is none.
        priority: hasShare ? Number.MAX_SAFE_INTEGER : plan.surface.priority,
        leftMs: remainingMs(this.execution),
        inTimeMs,
        maxSize: settings.queue.maxSize,
        maxWaitMs: Math.min(
          settings.queue.maxWaitMs ?? Number.POSITIVE_INFINITY,
          atMostMs ?? Number.POSITIVE_INFINITY,
        ),
        signal,
      });
    } catch (error) {
      // There is no room to wait in; but one that failed may be called again soon.
      if (elseAfterMs === undefined) throw error;
      await this.sleep(elseAfterMs);
      return undefined;
    }
    if (place === undefined) {
      if (signal?.aborted || without === 'look_again') return undefined;
      throw this.errorOf({ kind: 'end', reason: without, retryAfterMs: undefined, state });
    }
    if (remainingMs(this.execution) >= MIN_ATTEMPT_MS) return place;
    // Too late for an answer: whoever comes next can use it.
    place.release();
    return undefined;
  }

  private async enter(place: RoomPlace): Promise<{ answer: Answer } | undefined> {
    const planned = this.#state.queue.find(({ deployment }) => deployment === place.deployment);
    if (planned === undefined) {
      place.release();
      return undefined;
    }
    this.#state = withCall(this.#state, planned);
    return this.send(planned, place);
  }

  private async sleep(ms: number): Promise<void> {
    // The abort is seen by whoever looks next.
    await delay(ms, undefined, { signal: this.execution.signal }).catch(() => undefined);
  }

  /** Calls one deployment, and others beside it while it takes longer than it should. Undefined: go on. */
  private async send(
    planned: PlannedAttempt,
    place: RoomPlace | undefined,
  ): Promise<{ answer: Answer } | undefined> {
    const race = new Race<Answer>();
    try {
      this.join(race, planned);
    } finally {
      // It counts as in flight by now, or never will.
      place?.release();
    }
    while (race.isRunning) {
      const due = await race.next();
      if (race.answer !== undefined) return race.answer;
      if (due !== undefined && !race.isWon) this.sendBeside(race, due);
    }
    for (const { planned: ended, result } of race.results) this.note(ended, result);
    return undefined;
  }

  private sendBeside(race: Race<Answer>, { attempt, reason, waitedMs }: RaceAlarm): void {
    const budget = reason === 'hedge' ? this.parts.hedges : this.parts.giveUps;
    const due = { planned: attempt.planned, reason, waitedMs };
    const beside = chooseBeside(this.#state, this.moment(), due, budget.has);
    if (beside.kind === 'ask_again') {
      race.setAlarm(attempt, beside.alarm);
      return;
    }
    budget.take();
    this.#state = beside.state;
    if (beside.isSlow) race.markSlow(attempt);
    this.join(race, beside.planned, reason === 'hedge');
  }

  /** Puts one on the wire that has been counted. */
  private join(race: Race<Answer>, planned: PlannedAttempt, isHedge = false): void {
    const { mayOverlap, settings, signals } = this.execution;
    const state = { isJoined: false, hasBegun: false };
    const attempt: RunningAttempt<Answer> = startAttempt({
      bus: this.parts.bus,
      execution: this.execution,
      planned,
      isHedge,
      attempt: (this.execution.attemptsBefore ?? 0) + this.#state.attempts,
      kind: this.kind,
      mayMoveOn: () =>
        this.parts.giveUps.has && isBetterLeft(this.#state, this.moment()) && this.parts.giveUps.take(),
      onBegun: () => {
        // An answer made in the process may begin before it is known that it was started.
        if (state.isJoined) race.setAlarm(attempt, undefined);
        state.hasBegun = true;
      },
      claim: () => race.claim(attempt, (loser, how) => causeOfLoss({ signals }, loser, how)),
    });
    race.add(attempt);
    state.isJoined = true;
    if (!mayOverlap || state.hasBegun) return;
    const mayHedge = settings.hedge.enabled && this.parts.hedges.has;
    race.setAlarm(attempt, alarmAfterCall(this.#state, this.moment(), planned, mayHedge));
  }

  private note(planned: PlannedAttempt, result: AttemptResult<Answer>): void {
    switch (result.kind) {
      case 'answered':
        return;
      case 'ended':
        if (result.cause === 'client_left' || result.cause === 'shutdown') {
          throw callerGone(this.execution.signal);
        }
        return;
      case 'unsayable':
        this.#state = withoutCall(this.#state);
        this.#unsayable ??= result.error;
        return;
      case 'failed': {
        const { error, stopCause } = result;
        this.#failures.push({ planned, error });
        const noted = noteFailure(this.#state, this.moment(), { planned, error, stopCause });
        this.#state = noted.state;
        if (noted.isFinal) throw rejectionOf(error, planned, this.execution);
      }
    }
  }
}
