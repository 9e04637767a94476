import { setTimeout as delay } from 'node:timers/promises';
import { MIN_AFFORDABLE_OUTPUT_TOKENS } from '../cost/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import type { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import {
  capacityOf,
  type Deferral,
  findDeferral,
  findMoveOn,
  type PlannedAttempt,
  promptOf,
} from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import {
  type AttemptResult,
  clientOf,
  type Kind,
  type RunningAttempt,
  startAttempt,
} from './attempt-runner.js';
import { affordableTokens, type PlannedExecution, remainingMs } from './execution.js';
import { callerGone, failureOf, rejectionOf } from './failure-of.js';
import { Race, type RaceAlarm } from './race.js';
import type { ShareBudget } from './share-budget.js';
import type { RoomPlace, WaitingRoom } from './waiting-room.js';

/** What all requests share. */
export interface CascadeParts {
  readonly bus: TelemetryBus;
  readonly room: WaitingRoom;
  /** Of re-sends to a deployment that has failed the request already. */
  readonly resends: ShareBudget;
  /** Of attempts given up on for slowness while they might still answer. */
  readonly giveUps: ShareBudget;
  readonly hedges: ShareBudget;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What passes by itself: the same deployment may answer the next time. */
const TRANSIENT: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'rate_limited',
  'overloaded',
  'server_error',
  'timeout',
  'connection',
  'bad_response',
  'stream_cut',
]);

/** Share of the traffic that may be given up on: more would only move the load around. */
const GIVE_UP_SHARE = 0.2;
/** A wait that ends so soon is better than a call of what fails. */
const SHORT_REST_MS = 1_000;
/** Those who wait for the same rest come back over so long. */
const MAX_SPREAD_MS = 1_000;
/** Time an attempt needs at least: a wait that leaves less is none. */
const MIN_ATTEMPT_MS = 50;
/** What most answers take, of what 95 of 100 take at most. */
const USUAL_OF_P95 = 0.6;
/** With so many faults among its last calls a deployment is gone, and with fewer only unwell. */
const GONE_ERROR_RATE = 0.5;
/** After so much of the deadline a second copy goes to whoever may still answer. */
const DESPERATE_SHARE = 1 / 3;
/** Where it is looked again without a bell that rings. */
const LOOK_AGAIN_MS = 20;
/** Where nobody could be sent a second copy, it is asked again so much later. */
const ASK_AGAIN_MS = 250;

/** One that has failed, and may be called again. */
interface Again {
  readonly planned: PlannedAttempt;
  /** On the clock of `performance.now()`. */
  readonly notBefore: number;
  /** Given up on for slowness alone. */
  readonly isSlow: boolean;
}

/** Whom to call; to look again, also for the least bad; or that nobody is left. */
type Next =
  | { readonly planned: PlannedAttempt; readonly place: RoomPlace | undefined }
  | 'wait'
  | 'last_resort'
  | undefined;

interface Failure {
  readonly planned: PlannedAttempt;
  readonly error: ProviderError;
}

/**
 * The attempts of one request: one deadline, one attempt count and one dollar ceiling over all of them. The next deployment
 * at once when one fails; the same one again only where no other is left, after a pause, and under the budget of re-sends.
 * Who is called next is decided by the live state of that moment, in the plan's order.
 */
export class Cascade<Prepared, Answer> {
  /** Not called yet. */
  #queue: readonly PlannedAttempt[];
  #again: readonly Again[] = [];
  readonly #failures: Failure[] = [];
  #unsayable: InvalidRequestError | undefined;
  #minWindow = 0;
  #attempts = 0;
  #isOverdue = false;
  readonly #isContinuation: boolean;

  constructor(
    private readonly parts: CascadeParts,
    private readonly execution: PlannedExecution,
    private readonly kind: Kind<Prepared, Answer>,
    /** The cascade that this one goes on from: its attempts count, and whom it called is not called again. */
    before?: Cascade<Prepared, Answer>,
  ) {
    this.#isContinuation = before !== undefined;
    if (before !== undefined) {
      this.#queue = before.#queue;
      this.#attempts = before.#attempts;
      return;
    }
    this.#queue = execution.plan.attempts;
    const { retries, hedge } = execution.settings;
    parts.resends.payIn(retries.budget);
    parts.giveUps.payIn(GIVE_UP_SHARE);
    if (hedge.enabled) parts.hedges.payIn(hedge.maxShare);
  }

  /** Calls so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async run(): Promise<Answer> {
    const { plan, signal } = this.execution;
    let isLastResort = false;
    while (this.#attempts < plan.maxAttempts) {
      if (signal?.aborted) throw callerGone(signal);
      this.#isOverdue ||= remainingMs(this.execution) <= 0;
      if (this.#isOverdue) break;
      this.#queue = this.#queue.filter((planned) => this.mayServe(planned));
      this.#again = this.#again.filter(({ planned }) => this.mayServe(planned));
      // Looked at and started in one go: of the requests of one moment each sees those before it.
      const able: PlannedAttempt | undefined =
        this.takeAble() ?? this.takeAgain() ?? (isLastResort ? this.takeLeastBad() : undefined);
      const next: Next =
        able === undefined ? await this.next(isLastResort) : { planned: able, place: undefined };
      isLastResort = next === 'last_resort';
      if (next === 'wait' || next === 'last_resort') continue;
      if (next === undefined) break;
      const answer = await this.send(next.planned, next.place);
      if (answer !== undefined) return answer.answer;
    }
    throw failureOf(this.execution, {
      failures: this.#failures,
      unsayable: this.#unsayable,
      isOverdue: this.#isOverdue,
    });
  }

  private mayServe(planned: PlannedAttempt): boolean {
    return (
      // Too long for one window: only a larger one is worth the try.
      (this.#minWindow === 0 ||
        (planned.deployment.contextWindow ?? Number.POSITIVE_INFINITY) > this.#minWindow) &&
      // What was said already is part of the prompt of a continuation.
      (!this.#isContinuation ||
        (planned.deployment.contextWindow ?? Number.POSITIVE_INFINITY) >
          promptOf(planned.deployment, this.execution.features).inputTokens) &&
      affordableTokens(this.execution, planned) >= MIN_AFFORDABLE_OUTPUT_TOKENS
    );
  }

  /** One that can be counted on now, or nearly. */
  private takeAble(): PlannedAttempt | undefined {
    let ready: PlannedAttempt | undefined;
    for (const planned of this.#queue) {
      const deferral = this.deferralOf(planned);
      if (deferral === undefined) return this.unqueue(planned);
      if (!isKind(deferral, 'full', 'failing', 'resting')) ready ??= planned;
    }
    return ready === undefined ? undefined : this.unqueue(ready);
  }

  /** One that has failed, whose pause is over; where no other is left, or none that can be called. */
  private takeAgain(): PlannedAttempt | undefined {
    const slow = this.#again.find(
      ({ isSlow, planned }) =>
        isSlow && !this.isFull(planned) && !isKind(this.deferralOf(planned), 'failing', 'resting'),
    );
    if (slow !== undefined) {
      this.#again = this.#again.filter((again) => again !== slow);
      return { ...slow.planned, moveOnAfterMs: undefined };
    }
    const due = this.#again.find((again) => {
      if (!this.mayCallAgain(again) || this.isFull(again.planned)) return false;
      return !isKind(this.deferralOf(again.planned), 'resting') && this.waitBefore(again) <= 0;
    });
    if (due === undefined || !this.parts.resends.take()) return undefined;
    this.#again = this.#again.filter((again) => again !== due);
    return due.planned;
  }

  /** All of those left are out: the least bad is tried rather than everybody refused. */
  private takeLeastBad(): PlannedAttempt | undefined {
    const { signals } = this.execution;
    const out = this.#queue.flatMap((planned) => {
      if (this.isFull(planned)) return [];
      const { errorRate, restToldUntilMs } = signals.of(planned.deployment.id);
      const deferral = this.deferralOf(planned);
      // What a provider said of its rest holds; what was guessed is put to the test, after all else.
      if (isKind(deferral, 'resting')) return restToldUntilMs === 0 ? [{ planned, badness: 2 }] : [];
      return isKind(deferral, 'failing') ? [{ planned, badness: errorRate }] : [];
    });
    const [best] = out.toSorted((first, second) => first.badness - second.badness);
    if (best === undefined) return undefined;
    // A second one of those is as much a re-send as any: an outage of all is not to be multiplied.
    if (this.#attempts > 0 && !this.parts.resends.take()) return undefined;
    return this.unqueue(best.planned);
  }

  /**
   * What to do where none can be called now. `wait`: look again. `last_resort`: no wait helps, so the least bad may be
   * called. Undefined: nobody is left.
   *
   * @param wasLastResort - It was looked for the least bad already.
   */
  private async next(wasLastResort: boolean): Promise<Next> {
    const againMs = this.againAfterMs();
    if (this.#queue.length === 0) {
      if (againMs === undefined) return undefined;
      await this.sleep(againMs);
      return 'wait';
    }
    const deferrals = this.#queue.map((planned) => this.deferralOf(planned));
    // Whoever has room first: a rest that ends, or a probe that may go out, is as good as a place that comes free.
    if (deferrals.some((deferral) => isKind(deferral, 'full'))) return this.waitForRoom(this.#queue, againMs);
    if (await this.waitForRest(Math.min(SHORT_REST_MS, againMs ?? SHORT_REST_MS))) return 'wait';
    if (againMs !== undefined) {
      // It failed once and may answer now: better than one that is out.
      await this.sleep(againMs);
      return 'wait';
    }
    if (!wasLastResort) return 'last_resort';
    const isBusy = this.#queue.some(
      (planned, index) => isKind(deferrals[index], 'failing') && this.isFull(planned),
    );
    if (isBusy) {
      // Out and full: those before it will have shown by then whether it is worth a call.
      const next = await this.waitForRoom(this.#queue, undefined, LOOK_AGAIN_MS);
      return next === 'wait' ? 'last_resort' : next;
    }
    if (await this.waitForRest(Number.POSITIVE_INFINITY)) return 'wait';
    this.refuseResting();
    return undefined;
  }

  /** When one that has failed may be called again; undefined: none may, or not soon enough. */
  private againAfterMs(): number | undefined {
    const waits = this.#again
      .filter((again) => this.mayCallAgain(again))
      .map((again) => this.waitBefore(again));
    const waitMs = Math.min(...waits);
    if (waitMs > remainingMs(this.execution) - MIN_ATTEMPT_MS || !this.parts.resends.has) return undefined;
    // Its pause is over where it is only full: a place may come free.
    return Math.max(waitMs, LOOK_AGAIN_MS);
  }

  /** An accident is worth a second call; after that, those not called yet come first, however they stand. */
  private mayCallAgain({ planned }: Again): boolean {
    return !this.isGone(planned) && (this.#queue.length === 0 || this.failuresOf(planned) === 1);
  }

  private failuresOf({ deployment }: PlannedAttempt): number {
    return this.#failures.filter(({ planned }) => planned.deployment === deployment).length;
  }

  /** Its breaker is open, and most of its calls fail: one more would only be one more. */
  private isGone(planned: PlannedAttempt): boolean {
    if (!isKind(this.deferralOf(planned), 'failing')) return false;
    return this.execution.signals.of(planned.deployment.id).errorRate >= GONE_ERROR_RATE;
  }

  private isFull({ deployment }: PlannedAttempt): boolean {
    const signals = this.execution.signals.of(deployment.id);
    const capacity = capacityOf(deployment, signals);
    return capacity !== undefined && signals.inFlight + this.parts.room.reserved(deployment) >= capacity;
  }

  /** How long until it may be called again: its pause, or the rest its provider asked for. */
  private waitBefore({ planned, notBefore }: Again): number {
    const { restingUntilMs, restToldUntilMs } = this.execution.signals.of(planned.deployment.id);
    const nowMs = Date.now();
    const restMs = restingUntilMs > nowMs ? Math.max(restingUntilMs, restToldUntilMs) - nowMs : 0;
    return Math.max(notBefore - performance.now(), restMs);
  }

  private deferralOf(planned: PlannedAttempt): Deferral | undefined {
    const { deployment } = planned;
    const signals = this.execution.signals.of(deployment.id);
    const taken = this.parts.room.reserved(deployment);
    const live = taken === 0 ? signals : { ...signals, inFlight: signals.inFlight + taken };
    const deferral = findDeferral(deployment, live, Date.now());
    // Whether it is among the share that a recovering deployment gets was drawn when the plan was made.
    return deferral ?? (planned.deferral?.kind === 'ramping' ? planned.deferral : undefined);
  }

  /** How long it may wait and still have its first token within the target; a whole answer has its own pace. */
  private inTimeMs([first]: readonly PlannedAttempt[]): number | undefined {
    const { labels, startedAt } = this.execution;
    if (first === undefined || !labels.streamed) return undefined;
    const usualMs = (first.usualP95Ms ?? 0) * USUAL_OF_P95;
    return first.targetLatencyMs - (performance.now() - startedAt) - usualMs;
  }

  private async waitForRoom(
    full: readonly PlannedAttempt[],
    againMs: number | undefined,
    lookAgainMs = againMs,
  ): Promise<{ planned: PlannedAttempt; place: RoomPlace } | 'wait' | undefined> {
    const { plan, settings, signal, hasShare = false } = this.execution;
    const waiting = this.parts.room.wait({
      deployments: full.map(({ deployment }) => deployment),
      isBackground: plan.workload === 'background' && !hasShare,
      // A share that others come before is none.
      priority: hasShare ? Number.MAX_SAFE_INTEGER : plan.surface.priority,
      leftMs: remainingMs(this.execution),
      inTimeMs: this.inTimeMs(full),
      maxSize: settings.queue.maxSize,
      maxWaitMs: Math.min(
        settings.queue.maxWaitMs ?? Number.POSITIVE_INFINITY,
        lookAgainMs ?? Number.POSITIVE_INFINITY,
      ),
      signal,
    });
    let place: RoomPlace | undefined;
    try {
      place = await waiting;
    } catch (error) {
      // There is no room to wait in; but one that failed may be called again soon.
      if (againMs === undefined) throw error;
      await this.sleep(againMs);
      return 'wait';
    }
    if (place === undefined) {
      if (signal?.aborted || lookAgainMs !== undefined) return 'wait';
      // What was tried has more to say of why there is no answer.
      if (this.#failures.length > 0) return undefined;
      const deployments = full.map(({ deployment }) => deployment);
      throw new OverloadedError(
        'All models that may serve this request are at capacity, and none came free in time.',
        this.parts.room.retryAfterMs(deployments),
      );
    }
    const planned = full.find(({ deployment }) => deployment === place.deployment);
    // Too late for an answer: whoever comes next can use it.
    if (planned === undefined || remainingMs(this.execution) < MIN_ATTEMPT_MS) {
      place.release();
      return 'wait';
    }
    return { planned: this.unqueue(planned), place };
  }

  /** Waits until the first of the resting may be called again, if that is soon enough. */
  private async waitForRest(atMostMs: number): Promise<boolean> {
    const waits = this.#queue.flatMap((planned) => {
      if (!isKind(this.deferralOf(planned), 'resting')) return [];
      const { restingUntilMs, restToldUntilMs } = this.execution.signals.of(planned.deployment.id);
      // It asked for longer than it is believed: worth a try once that is over, and no wait before.
      return restToldUntilMs > restingUntilMs ? [] : restingUntilMs - Date.now();
    });
    const waitMs = Math.min(...waits);
    if (waitMs > atMostMs || waitMs > remainingMs(this.execution) - MIN_ATTEMPT_MS) return false;
    // Not all who wait for it in the same moment.
    const spareMs = remainingMs(this.execution) - MIN_ATTEMPT_MS - waitMs;
    await this.sleep(waitMs + 1 + this.parts.random() * Math.min(spareMs, waitMs / 4, MAX_SPREAD_MS));
    return true;
  }

  /** No wait fits the deadline: what the provider said holds. */
  private refuseResting(): void {
    // What was tried has more to say of why there is no answer.
    if (this.#failures.length > 0) return;
    const rests = this.#queue.flatMap((planned) => {
      if (!isKind(this.deferralOf(planned), 'resting')) return [];
      const { restingUntilMs, restToldUntilMs } = this.execution.signals.of(planned.deployment.id);
      return Math.max(restingUntilMs, restToldUntilMs) - Date.now();
    });
    if (rests.length === 0) return;
    throw new RateLimitedError(Math.max(1, Math.min(...rests)));
  }

  private unqueue(planned: PlannedAttempt): PlannedAttempt {
    this.#queue = this.#queue.filter((other) => other !== planned);
    return planned;
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

  /** Another copy, because one takes long; or a later look, where there is nobody to send it to. */
  private sendBeside(race: Race<Answer>, due: RaceAlarm): void {
    const isHedge = due.reason === 'hedge';
    const isDesperate = due.waitedMs >= this.execution.plan.deadlineMs * DESPERATE_SHARE;
    const second = this.takeSecond(isHedge ? this.parts.hedges : this.parts.giveUps, isDesperate);
    if (second !== undefined) {
      // A client's own short deadline is no measure of a provider.
      const isImpatient = this.execution.plan.isDeadlineOfClient;
      const { moveOnAfterMs = Number.POSITIVE_INFINITY } = due.attempt.planned;
      if (!isHedge && (!isImpatient || due.waitedMs >= moveOnAfterMs)) race.markSlow(due.attempt);
      this.join(race, second, isHedge);
    } else if (isHedge) {
      const { reason, afterMs } = this.moveOnAlarm(due.attempt.planned);
      const leftMs = afterMs === undefined ? undefined : Math.max(0, afterMs - due.waitedMs);
      race.setAlarm(due.attempt, { reason, afterMs: leftMs });
    } else {
      // The others may be resting, or full: it is asked again.
      race.setAlarm(due.attempt, { reason: 'move_on', afterMs: ASK_AGAIN_MS });
    }
  }

  private join(race: Race<Answer>, planned: PlannedAttempt, isHedge = false): void {
    this.#attempts += 1;
    const { mayOverlap, settings, signals } = this.execution;
    const state = { isJoined: false, hasBegun: false };
    const attempt: RunningAttempt<Answer> = startAttempt({
      bus: this.parts.bus,
      execution: this.execution,
      planned,
      attempt: (this.execution.attemptsBefore ?? 0) + this.#attempts,
      isHedge,
      kind: this.kind,
      mayMoveOn: () => !mayOverlap && this.mayMoveOn() && this.parts.giveUps.take(),
      onBegun: () => {
        // An answer made in the process may begin before it is known that it was started.
        if (state.isJoined) race.setAlarm(attempt, undefined);
        state.hasBegun = true;
      },
      claim: () =>
        race.claim(attempt, (slow, waitedMs) => {
          // Out of the ordinary twice over: longer than its target, or no sign of its usual pace.
          const { id } = slow.deployment;
          return waitedMs >= slow.targetLatencyMs || signals.of(id).isSlow ? 'moved_on' : 'overtaken';
        }),
    });
    race.add(attempt);
    state.isJoined = true;
    if (!mayOverlap || state.hasBegun) return;
    const isHedgeable = settings.hedge.enabled && planned.usualP95Ms !== undefined && this.parts.hedges.has;
    race.setAlarm(
      attempt,
      isHedgeable ? { reason: 'hedge', afterMs: planned.usualP95Ms } : this.moveOnAlarm(planned),
    );
  }

  private moveOnAlarm(planned: PlannedAttempt): { reason: 'move_on'; afterMs: number | undefined } {
    return { reason: 'move_on', afterMs: this.moveOnAfterMs(planned) };
  }

  /** What the plan says, less what has been spent of the target: who comes second has less time. */
  private moveOnAfterMs(planned: PlannedAttempt): number | undefined {
    const { labels, startedAt } = this.execution;
    if (!labels.streamed) {
      // Silence proves nothing where the headers come with the answer; but the others must be left time too.
      const halfMs = Math.max(remainingMs(this.execution) / 2, planned.usualP95Ms ?? 0);
      return Math.min(planned.moveOnAfterMs ?? halfMs, halfMs);
    }
    if (planned.moveOnAfterMs === undefined) return undefined;
    const leftMs = planned.targetLatencyMs - (performance.now() - startedAt);
    const isFirstChoice = this.#attempts === 1 && planned.tier === 'primary';
    // The target is lost, or all is as it was planned: no hurry.
    if (isFirstChoice || leftMs <= 0) return planned.moveOnAfterMs;
    const next = this.#queue.find((other) => this.deferralOf(other) === undefined);
    if (planned.usualP95Ms === undefined) return Math.min(planned.moveOnAfterMs, leftMs / 2);
    return findMoveOn({
      targetMs: leftMs,
      streamed: true,
      usualP95Ms: planned.usualP95Ms,
      nextUsualP95Ms: next?.usualP95Ms,
    });
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
        // Nothing was sent.
        this.#attempts -= 1;
        this.#unsayable ??= result.error;
        return;
      case 'failed':
        this.fail(planned, result.error, result.stopCause);
    }
  }

  private fail(planned: PlannedAttempt, error: ProviderError, stopCause: string | undefined): void {
    this.#failures.push({ planned, error });
    // Told by the timer, not by the clock: a timer may go off a moment early.
    if (stopCause === 'deadline') this.#isOverdue = true;
    if (error.otherKeyReady) {
      this.#queue = [planned, ...this.#queue];
      return;
    }
    if (error.kind === 'context_length') {
      this.#minWindow = Math.max(this.#minWindow, planned.deployment.contextWindow ?? 0);
      const isAnotherLeft = [...this.#queue, ...this.#again.map((again) => again.planned)].some((other) =>
        this.mayServe(other),
      );
      if (isAnotherLeft) return;
    }
    if (error.kind === 'content_filter' && this.execution.plan.surface.onContentFilter === 'next_model') {
      // Another model by another maker may see no harm in it; the same one would see it again.
      if (this.#queue.length > 0) return;
    }
    if (!error.isRetryable) throw rejectionOf(error, planned, this.execution);
    if (TRANSIENT.has(error.kind)) {
      this.#again = [
        ...this.#again,
        {
          planned,
          isSlow: stopCause === 'moved_on',
          notBefore: performance.now() + this.pauseAfter(planned, error),
        },
      ];
    }
  }

  /** Full jitter: anywhere between nothing and the pause, so that callers do not come back together. */
  private pauseAfter(planned: PlannedAttempt, error: ProviderError): number {
    if (error.retryAfterMs !== undefined && error.retryAfterMs > 0) return error.retryAfterMs;
    const { baseDelayMs, maxDelayMs } = this.execution.settings.retries;
    const failures = this.failuresOf(planned);
    return this.parts.random() * Math.min(baseDelayMs * 2 ** (failures - 1), maxDelayMs);
  }

  /** Whether another is left that is better than one that is merely slow. */
  private mayMoveOn(): boolean {
    if (this.#attempts >= this.execution.plan.maxAttempts || !this.parts.giveUps.has) return false;
    return this.#queue.some(
      (other) => this.mayServe(other) && this.deferralOf(other) === undefined && this.canSay(other),
    );
  }

  /** Prepared again when its turn comes: by then there may be fewer dollars left, and it is rarely asked. */
  private canSay(planned: PlannedAttempt): boolean {
    try {
      this.kind.prepare(clientOf(this.execution, planned), planned);
      return true;
    } catch (error) {
      // Any other fault shows at its own attempt.
      return !(error instanceof InvalidRequestError);
    }
  }

  private takeSecond(budget: ShareBudget, isDesperate: boolean): PlannedAttempt | undefined {
    if (this.#attempts >= this.execution.plan.maxAttempts || !budget.has) return undefined;
    const candidates = this.#queue.filter((other) => this.mayServe(other) && this.canSay(other));
    const second =
      candidates.find((other) => this.deferralOf(other) === undefined) ??
      (isDesperate
        ? candidates.find((other) => !this.isFull(other) && !isKind(this.deferralOf(other), 'resting'))
        : undefined);
    if (second === undefined || !budget.take()) return undefined;
    return this.unqueue(second);
  }
}

function isKind(deferral: Deferral | undefined, ...kinds: readonly Deferral['kind'][]): boolean {
  return deferral !== undefined && kinds.includes(deferral.kind);
}
