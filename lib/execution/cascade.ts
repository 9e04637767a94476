import { setTimeout as delay } from 'node:timers/promises';
import { MIN_AFFORDABLE_OUTPUT_TOKENS } from '../cost/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import type { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import { capacityOf, type Deferral, findDeferral, type PlannedAttempt } from '../planning/index.js';
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
/** Time an attempt needs at least: a wait that leaves less is none. */
const MIN_ATTEMPT_MS = 50;
/** A cancelled copy ends within a moment, so that its cost is in the request's record. */
const LOSER_MS = 50;

/** One that has failed, and may be called again. */
interface Again {
  readonly planned: PlannedAttempt;
  /** On the clock of `performance.now()`. */
  readonly notBefore: number;
  /** Given up on for slowness alone. */
  readonly isSlow: boolean;
}

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

  constructor(
    private readonly parts: CascadeParts,
    private readonly execution: PlannedExecution,
    private readonly kind: Kind<Prepared, Answer>,
    /** The cascade that this one goes on from: its attempts count, and whom it called is not called again. */
    before?: Cascade<Prepared, Answer>,
  ) {
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

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async run(): Promise<Answer> {
    const { plan, signal } = this.execution;
    while (this.#attempts < plan.maxAttempts) {
      if (signal?.aborted) throw callerGone(signal);
      this.#isOverdue ||= remainingMs(this.execution) <= 0;
      if (this.#isOverdue) break;
      this.#queue = this.#queue.filter((planned) => this.mayServe(planned));
      this.#again = this.#again.filter(({ planned }) => this.mayServe(planned));
      // Looked at and started in one go: of the requests of one moment each sees those before it.
      const able = this.takeAble();
      const next = able === undefined ? await this.next() : { planned: able, place: undefined };
      if (next === 'wait') continue;
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

  /** Whom to call where none can be counted on. `wait`: look again. Undefined: nobody is left. */
  private async next(): Promise<
    { planned: PlannedAttempt; place?: RoomPlace | undefined } | 'wait' | undefined
  > {
    if (this.#queue.length === 0) return this.nextAgain();
    const states = this.#queue.map((planned) => ({ planned, deferral: this.deferralOf(planned) }));
    const full = states.flatMap(({ planned, deferral }) => (isKind(deferral, 'full') ? [planned] : []));
    if (full.length > 0) return this.waitForRoom(full);
    if (await this.waitForRest(SHORT_REST_MS)) return 'wait';
    const failing = this.leastBad(states);
    // A second one of those is as much a re-send as any: an outage of all is not to be multiplied.
    if (failing !== undefined && (this.#attempts === 0 || this.parts.resends.take())) {
      // No more at once than it takes: its faults may be those of too many.
      return this.isFull(failing) ? this.waitForRoom([failing], true) : { planned: this.unqueue(failing) };
    }
    if (await this.waitForRest(Number.POSITIVE_INFINITY)) return 'wait';
    return this.refuseResting();
  }

  /** All of those left are out: the least bad is tried rather than everybody refused. */
  private leastBad(
    states: readonly { readonly planned: PlannedAttempt; readonly deferral: Deferral | undefined }[],
  ): PlannedAttempt | undefined {
    const { signals } = this.execution;
    const [best] = states
      .filter(({ deferral }) => isKind(deferral, 'failing'))
      .toSorted(
        (first, second) =>
          signals.of(first.planned.deployment.id).errorRate -
          signals.of(second.planned.deployment.id).errorRate,
      );
    return best?.planned;
  }

  /** Of those that have failed already. */
  private async nextAgain(): Promise<
    { planned: PlannedAttempt; place?: RoomPlace | undefined } | 'wait' | undefined
  > {
    const slow = this.#again.find(({ isSlow }) => isSlow);
    if (slow !== undefined) {
      this.#again = this.#again.filter((again) => again !== slow);
      return { planned: { ...slow.planned, moveOnAfterMs: undefined } };
    }
    const candidates = this.#again
      // Its breaker is open: one more call would only be one more.
      .filter(({ planned }) => !isKind(this.deferralOf(planned), 'failing'))
      .map((again) => ({ again, waitMs: this.waitBefore(again) }))
      .sort((first, second) => first.waitMs - second.waitMs);
    const [soonest] = candidates;
    if (soonest === undefined || soonest.waitMs > remainingMs(this.execution) - MIN_ATTEMPT_MS) {
      return undefined;
    }
    if (soonest.waitMs > 0) {
      if (!this.parts.resends.has) return undefined;
      await this.sleep(soonest.waitMs);
      return 'wait';
    }
    const { planned } = soonest.again;
    if (!this.parts.resends.take()) return undefined;
    this.#again = this.#again.filter((again) => again !== soonest.again);
    return isKind(this.deferralOf(planned), 'full') ? this.waitForRoom([planned]) : { planned };
  }

  /** How long until it may be called again: its pause, or the rest its provider asked for. */
  private waitBefore({ planned, notBefore }: Again): number {
    const { restingUntilMs } = this.execution.signals.of(planned.deployment.id);
    return Math.max(notBefore - performance.now(), restingUntilMs - Date.now(), 0);
  }

  private isFull({ deployment }: PlannedAttempt): boolean {
    const signals = this.execution.signals.of(deployment.id);
    const capacity = capacityOf(deployment, signals);
    return capacity !== undefined && signals.inFlight + this.parts.room.reserved(deployment) >= capacity;
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

  private async waitForRoom(
    full: readonly PlannedAttempt[],
    isLastResort = false,
  ): Promise<{ planned: PlannedAttempt; place: RoomPlace } | 'wait' | undefined> {
    const { plan, settings, signal } = this.execution;
    const place = await this.parts.room.wait({
      deployments: full.map(({ deployment }) => deployment),
      isBackground: plan.workload === 'background',
      isLastResort,
      priority: plan.surface.priority,
      leftMs: remainingMs(this.execution),
      maxSize: settings.queue.maxSize,
      maxWaitMs: settings.queue.maxWaitMs,
      signal,
    });
    if (place === undefined) {
      if (signal?.aborted) return 'wait';
      // What was tried has more to say of why there is no answer.
      if (this.#failures.length > 0) return undefined;
      const deployments = full.map(({ deployment }) => deployment);
      throw new OverloadedError(
        'All models that may serve this request are at capacity, and none came free in time.',
        this.parts.room.retryAfterMs(deployments),
      );
    }
    const planned = full.find(({ deployment }) => deployment === place.deployment);
    if (planned === undefined) {
      place.release();
      return 'wait';
    }
    return { planned: this.unqueue(planned), place };
  }

  /** Waits until the first of the resting may be called again, if that is soon enough. */
  private async waitForRest(atMostMs: number): Promise<boolean> {
    const waits = this.#queue.flatMap((planned) => {
      if (!isKind(this.deferralOf(planned), 'resting')) return [];
      return this.execution.signals.of(planned.deployment.id).restingUntilMs - Date.now();
    });
    const waitMs = Math.min(...waits);
    if (waitMs > atMostMs || waitMs > remainingMs(this.execution) - MIN_ATTEMPT_MS) return false;
    await this.sleep(waitMs + 1);
    return true;
  }

  /** No wait fits the deadline. What the provider said holds; what was guessed is put to the test. */
  private refuseResting(): { planned: PlannedAttempt } | undefined {
    const rests = this.#queue.flatMap((planned) => {
      if (!isKind(this.deferralOf(planned), 'resting')) return [];
      const { restingUntilMs, isRestTold } = this.execution.signals.of(planned.deployment.id);
      return { planned, restingUntilMs, isRestTold };
    });
    const guessed = rests.find(({ isRestTold }) => !isRestTold);
    if (guessed !== undefined && (this.#attempts === 0 || this.parts.resends.take())) {
      return { planned: this.unqueue(guessed.planned) };
    }
    // What was tried has more to say of why there is no answer.
    if (rests.length === 0 || this.#failures.length > 0) return undefined;
    const soonestMs = Math.min(...rests.map(({ restingUntilMs }) => restingUntilMs));
    throw new RateLimitedError(Math.max(1, soonestMs - Date.now()));
  }

  private unqueue(planned: PlannedAttempt): PlannedAttempt {
    this.#queue = this.#queue.filter((other) => other !== planned);
    return planned;
  }

  private async sleep(ms: number): Promise<void> {
    // The abort is seen by whoever looks next.
    await delay(ms, undefined, { signal: this.execution.signal }).catch(() => undefined);
  }

  /** Calls one deployment, and perhaps a second one beside it. Undefined: go on. */
  private async send(
    planned: PlannedAttempt,
    place: RoomPlace | undefined,
  ): Promise<{ answer: Answer } | undefined> {
    const served = { isClaimed: false };
    const claim = (): boolean => {
      const isFirst = !served.isClaimed;
      served.isClaimed = true;
      return isFirst;
    };
    const running = new Map<RunningAttempt<Answer>, Promise<void>>();
    const ended: { attempt: RunningAttempt<Answer>; result: AttemptResult<Answer> }[] = [];
    const faults: unknown[] = [];
    const start = (next: PlannedAttempt): void => {
      this.#attempts += 1;
      const attempt = startAttempt({
        bus: this.parts.bus,
        execution: this.execution,
        planned: next,
        attempt: this.#attempts,
        kind: this.kind,
        mayMoveOn: () => running.size <= 1 && this.mayMoveOn() && this.parts.giveUps.take(),
        claim,
      });
      const end = attempt.result.then(
        (result) => {
          ended.push({ attempt, result });
        },
        (error: unknown) => {
          faults.push(error);
        },
      );
      running.set(
        attempt,
        end.finally(() => running.delete(attempt)),
      );
    };
    try {
      start(planned);
    } finally {
      // It counts as in flight by now, or never will.
      place?.release();
    }
    const hedge = this.hedgeTimer(planned);
    try {
      while (running.size > 0) {
        const isDue = await Promise.race([...running.values(), ...(hedge === undefined ? [] : [hedge.due])]);
        if (isDue === true) {
          hedge?.cancel();
          const second = running.size === 1 && !served.isClaimed ? this.takeHedge() : undefined;
          if (second !== undefined) start(second);
          continue;
        }
        if (faults.length > 0) {
          for (const attempt of running.keys()) attempt.stop('hedge_lost');
          throw faults[0];
        }
        const answered = ended.find(({ result }) => result.kind === 'answered');
        if (answered?.result.kind === 'answered') {
          for (const attempt of running.keys()) attempt.stop('hedge_lost');
          if (running.size > 0) {
            await Promise.race([Promise.all(running.values()), delay(LOSER_MS, undefined, { ref: false })]);
          }
          return { answer: answered.result.answer };
        }
      }
    } finally {
      hedge?.cancel();
    }
    for (const { attempt, result } of ended) this.note(attempt.planned, result);
    return undefined;
  }

  private note(planned: PlannedAttempt, result: AttemptResult<Answer>): void {
    switch (result.kind) {
      case 'answered':
        return;
      case 'ended':
        if (result.cause !== 'hedge_lost') throw callerGone(this.execution.signal);
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
    const failed = this.#failures.filter((failure) => failure.planned.deployment === planned.deployment);
    return this.parts.random() * Math.min(baseDelayMs * 2 ** (failed.length - 1), maxDelayMs);
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

  private hedgeTimer(
    planned: PlannedAttempt,
  ): { readonly due: Promise<true | undefined>; cancel(): void } | undefined {
    const { mayHedge } = this.execution;
    if (!mayHedge || planned.usualP95Ms === undefined || !this.parts.hedges.has) return undefined;
    const canceller = new AbortController();
    let isOver = false;
    const due = delay(planned.usualP95Ms, true as const, { signal: canceller.signal }).catch(() => undefined);
    return {
      // Once it has told, it is silent: what is running decides from then on.
      get due() {
        return isOver ? new Promise<undefined>(() => undefined) : due;
      },
      cancel: () => {
        isOver = true;
        canceller.abort();
      },
    };
  }

  private takeHedge(): PlannedAttempt | undefined {
    if (this.#attempts >= this.execution.plan.maxAttempts) return undefined;
    const second = this.#queue.find(
      (other) => this.mayServe(other) && this.deferralOf(other) === undefined && this.canSay(other),
    );
    if (second === undefined || !this.parts.hedges.take()) return undefined;
    return this.unqueue(second);
  }
}

function isKind(deferral: Deferral | undefined, ...kinds: readonly Deferral['kind'][]): boolean {
  return deferral !== undefined && kinds.includes(deferral.kind);
}
