import type { RequestFeatures } from '../classification/index.js';
import { NO_USAGE } from '../chat/index.js';
import {
  affordableOutputTokens,
  cappedOutputTokens,
  costOfUsage,
  MIN_AFFORDABLE_OUTPUT_TOKENS,
} from '../cost/index.js';
import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import type { ShareBudget } from '../execution/share-budget.js';
import {
  capacityOf,
  type Deferral,
  findDeferral,
  findMoveOn,
  type Plan,
  type PlannedAttempt,
  type PolicyExecution,
  type PolicySnapshot,
  promptOf,
  type SignalsSnapshot,
} from '../planning/index.js';
import type { AttemptRecord, Outcome, RequestLabels, TelemetryBus } from '../telemetry/index.js';
import { findBrokenLimits } from './find-broken-limits.js';
import type { ReplayedAttempt } from './replayed-request.js';
import type { SimulatedClock, SimulatedTimer } from './simulated-clock.js';
import type { SimulatedCall, SimulatedDeployment, SimulatedFailure } from './simulated-deployment.js';
import type { SimulatedRoom } from './simulated-room.js';
import type { TraceRequest } from './trace-request.js';

/** As in the router's own cascade, whose steps these are. */
const SHORT_REST_MS = 1_000;
const MAX_SPREAD_MS = 1_000;
const MIN_ATTEMPT_MS = 50;
const USUAL_OF_P95 = 0.6;
const GONE_ERROR_RATE = 0.5;
const DESPERATE_SHARE = 1 / 3;
const LOOK_AGAIN_MS = 20;
const ASK_AGAIN_MS = 250;
const GIVE_UP_SHARE = 0.2;

/** What all requests share. */
export interface SimulatedCascadeParts {
  readonly clock: SimulatedClock;
  readonly bus: TelemetryBus;
  readonly signals: SignalsSnapshot;
  readonly policy: PolicySnapshot;
  readonly deployments: ReadonlyMap<string, SimulatedDeployment>;
  readonly room: SimulatedRoom;
  readonly resends: ShareBudget;
  readonly giveUps: ShareBudget;
  readonly random: () => number;
}

export interface CascadeEnd {
  readonly outcome: Outcome;
  readonly errorCode: LlmRouterErrorCode | undefined;
  readonly timeToFirstTokenMs: number | undefined;
  readonly servedBy: PlannedAttempt | undefined;
  readonly attempts: readonly ReplayedAttempt[];
  /** By the router's own ledger. */
  readonly costUsd: number;
}

interface RequestToSimulate {
  readonly request: TraceRequest;
  readonly index: number;
  readonly plan: Plan;
  readonly features: RequestFeatures;
  readonly labels: RequestLabels;
  /** Two copies of it may be under way at once. */
  readonly mayOverlap: boolean;
  readonly onEnd: (end: CascadeEnd) => void;
}

interface Again {
  readonly planned: PlannedAttempt;
  readonly notBeforeMs: number;
  readonly isSlow: boolean;
}

/** An attempt on its way. */
interface Running {
  readonly planned: PlannedAttempt;
  readonly number: number;
  readonly startedAtMs: number;
  readonly maxOutputTokens: number | undefined;
  readonly brokenLimits: readonly string[];
  timeToFirstTokenMs: number | undefined;
  /** A second copy was sent because it took too long. */
  isSlow: boolean;
  call: SimulatedCall | undefined;
  /** The moment to move on. */
  alarm: SimulatedTimer | undefined;
  /** The end of its patience, or of the request's. */
  limit: SimulatedTimer | undefined;
}

type StopCause = 'deadline' | 'too_slow' | 'moved_on' | 'overtaken' | 'lost';

/**
 * One request carried out on the simulated clock, step by step as the router's own cascade does: who is called next is
 * decided by the live state of that moment in the plan's order; the next one when one fails, a second copy at the moment
 * to move on, the same one again under the budget of re-sends, a place in the queue where all are full.
 *
 * What it leaves out: hedges before the moment to move on, streams that break after their first token (and so their
 * continuation), several keys of one provider, callers that leave, and what providers refuse for the caller's fault.
 */
export class SimulatedCascade {
  #queue: readonly PlannedAttempt[];
  #again: readonly Again[] = [];
  readonly #failures: { readonly planned: PlannedAttempt; readonly failure: SimulatedFailure }[] = [];
  readonly #running: Running[] = [];
  readonly #ended: ReplayedAttempt[] = [];
  readonly #startedAtMs: number;
  readonly #deadlineMs: number;
  #attempts = 0;
  #spentUsd = 0;
  #servedBy: PlannedAttempt | undefined;
  #timeToFirstTokenMs: number | undefined;
  #isOver = false;

  constructor(
    private readonly parts: SimulatedCascadeParts,
    private readonly settings: PolicyExecution,
    private readonly asked: RequestToSimulate,
  ) {
    this.#queue = asked.plan.attempts;
    this.#startedAtMs = parts.clock.now();
    this.#deadlineMs = this.#startedAtMs + asked.plan.deadlineMs;
    parts.resends.payIn(settings.retries.budget);
    parts.giveUps.payIn(GIVE_UP_SHARE);
  }

  start(): void {
    this.proceed();
  }

  private get leftMs(): number {
    return this.#deadlineMs - this.parts.clock.now();
  }

  /** Calls the next one, or sees to it that it is looked again. */
  private proceed(isLastResort = false): void {
    if (this.#isOver) return;
    if (this.leftMs <= 0) {
      this.end('timed_out', 'deadline_exceeded');
      return;
    }
    if (this.#attempts >= this.asked.plan.maxAttempts) {
      this.fail();
      return;
    }
    if (this.asked.plan.maxCostUsd !== undefined) {
      this.#queue = this.#queue.filter((planned) => this.mayServe(planned));
      this.#again = this.#again.filter(({ planned }) => this.mayServe(planned));
    }
    const able = this.takeAble() ?? this.takeAgain() ?? (isLastResort ? this.takeLeastBad() : undefined);
    if (able !== undefined) this.join(able);
    else this.wait(isLastResort);
  }

  private mayServe(planned: PlannedAttempt): boolean {
    return this.affordableTokens(planned) >= MIN_AFFORDABLE_OUTPUT_TOKENS;
  }

  private affordableTokens({ deployment }: PlannedAttempt): number {
    const { plan, features } = this.asked;
    // Before the first attempt the plan's own limits hold all of it.
    if (plan.maxCostUsd === undefined || deployment.price === undefined || this.#attempts === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const left = plan.maxCostUsd - this.#spentUsd;
    return affordableOutputTokens(left, deployment.price, promptOf(deployment, features));
  }

  private takeAble(): PlannedAttempt | undefined {
    let ready: PlannedAttempt | undefined;
    for (const planned of this.#queue) {
      const deferral = this.deferralOf(planned);
      if (deferral === undefined) return this.unqueue(planned);
      if (!isKind(deferral, 'full', 'failing', 'resting')) ready ??= planned;
    }
    return ready === undefined ? undefined : this.unqueue(ready);
  }

  private takeAgain(): PlannedAttempt | undefined {
    const slow = this.#again.find(
      ({ isSlow, planned }) =>
        isSlow && !this.isFull(planned) && !isKind(this.deferralOf(planned), 'failing', 'resting'),
    );
    if (slow !== undefined) {
      this.#again = this.#again.filter((again) => again !== slow);
      return { ...slow.planned, moveOnAfterMs: undefined };
    }
    const due = this.#again.find(
      (again) =>
        this.mayCallAgain(again) &&
        !this.isFull(again.planned) &&
        !isKind(this.deferralOf(again.planned), 'resting') &&
        this.waitBefore(again) <= 0,
    );
    if (due === undefined || !this.parts.resends.take()) return undefined;
    this.#again = this.#again.filter((again) => again !== due);
    return due.planned;
  }

  /** All of those left are out: the least bad is tried rather than everybody refused. */
  private takeLeastBad(): PlannedAttempt | undefined {
    let best: { readonly planned: PlannedAttempt; readonly badness: number } | undefined;
    for (const planned of this.#queue) {
      if (this.isFull(planned)) continue;
      const { errorRate, restToldUntilMs } = this.parts.signals.of(planned.deployment.id);
      const deferral = this.deferralOf(planned);
      const isUntoldRest = isKind(deferral, 'resting') && restToldUntilMs === 0;
      if (!isUntoldRest && !isKind(deferral, 'failing')) continue;
      const badness = isUntoldRest ? 2 : errorRate;
      if (best === undefined || badness < best.badness) best = { planned, badness };
    }
    if (best === undefined) return undefined;
    if (this.#attempts > 0 && !this.parts.resends.take()) return undefined;
    return this.unqueue(best.planned);
  }

  private wait(wasLastResort: boolean): void {
    const againMs = this.againAfterMs();
    if (this.#queue.length === 0) {
      if (againMs === undefined) this.fail();
      else this.lookAfter(againMs);
      return;
    }
    const deferrals = this.#queue.map((planned) => this.deferralOf(planned));
    if (deferrals.some((deferral) => isKind(deferral, 'full'))) {
      this.waitForRoom(againMs);
      return;
    }
    if (this.waitForRest(Math.min(SHORT_REST_MS, againMs ?? SHORT_REST_MS))) return;
    if (againMs !== undefined) {
      this.lookAfter(againMs);
    } else if (!wasLastResort) {
      this.proceed(true);
    } else if (deferrals.some((deferral, index) => isKind(deferral, 'failing') && this.isFullAt(index))) {
      this.lookAfter(LOOK_AGAIN_MS, true);
    } else if (!this.waitForRest(Number.POSITIVE_INFINITY)) {
      this.fail();
    }
  }

  private isFullAt(index: number): boolean {
    const planned = this.#queue[index];
    return planned !== undefined && this.isFull(planned);
  }

  private lookAfter(ms: number, isLastResort = false): void {
    this.parts.clock.after(ms, () => {
      this.proceed(isLastResort);
    });
  }

  private waitForRoom(againMs: number | undefined): void {
    const { plan, labels } = this.asked;
    const nowMs = this.parts.clock.now();
    const guests = this.#queue;
    const [first] = guests;
    const usualMs = (first?.usualP95Ms ?? 0) * USUAL_OF_P95;
    const isPaced = labels.streamed && first !== undefined;
    const { maxSize, maxWaitMs = Number.POSITIVE_INFINITY } = this.settings.queue;
    const isTaken = this.parts.room.wait(
      {
        deployments: guests.map(({ deployment }) => deployment),
        isBackground: plan.workload === 'background',
        priority: plan.surface.priority,
        inTimeUntilMs: isPaced ? this.#startedAtMs + first.targetLatencyMs - usualMs : nowMs,
        maxWaitMs: Math.min(this.leftMs, maxWaitMs, againMs ?? Number.POSITIVE_INFINITY),
        onPlace: (deployment) => {
          if (this.#isOver) return;
          const planned = guests.find((one) => one.deployment === deployment);
          if (planned !== undefined && this.leftMs >= MIN_ATTEMPT_MS) this.join(this.unqueue(planned));
          else if (againMs !== undefined || this.leftMs <= 0) this.proceed();
          else this.fail('overloaded');
        },
      },
      maxSize,
    );
    if (isTaken) return;
    if (againMs === undefined) this.fail('overloaded');
    else this.lookAfter(againMs);
  }

  /** Waits until the first of the resting may be called again, if that is soon enough. */
  private waitForRest(atMostMs: number): boolean {
    const nowMs = this.parts.clock.now();
    let waitMs = Number.POSITIVE_INFINITY;
    for (const planned of this.#queue) {
      if (!isKind(this.deferralOf(planned), 'resting')) continue;
      const { restingUntilMs, restToldUntilMs } = this.parts.signals.of(planned.deployment.id);
      if (restToldUntilMs <= restingUntilMs) waitMs = Math.min(waitMs, restingUntilMs - nowMs);
    }
    const spareMs = this.leftMs - MIN_ATTEMPT_MS - waitMs;
    if (waitMs === Number.POSITIVE_INFINITY || waitMs > atMostMs || spareMs < 0) return false;
    this.lookAfter(waitMs + 1 + this.parts.random() * Math.min(spareMs, waitMs / 4, MAX_SPREAD_MS));
    return true;
  }

  private againAfterMs(): number | undefined {
    let waitMs = Number.POSITIVE_INFINITY;
    for (const again of this.#again) {
      if (this.mayCallAgain(again)) waitMs = Math.min(waitMs, this.waitBefore(again));
    }
    if (waitMs > this.leftMs - MIN_ATTEMPT_MS || !this.parts.resends.has) return undefined;
    return Math.max(waitMs, LOOK_AGAIN_MS);
  }

  private mayCallAgain({ planned }: Again): boolean {
    return !this.isGone(planned) && (this.#queue.length === 0 || this.failuresOf(planned) === 1);
  }

  private failuresOf({ deployment }: PlannedAttempt): number {
    return this.#failures.filter(({ planned }) => planned.deployment === deployment).length;
  }

  private isGone(planned: PlannedAttempt): boolean {
    if (!isKind(this.deferralOf(planned), 'failing')) return false;
    return this.parts.signals.of(planned.deployment.id).errorRate >= GONE_ERROR_RATE;
  }

  private isFull({ deployment }: PlannedAttempt): boolean {
    const signals = this.parts.signals.of(deployment.id);
    const capacity = capacityOf(deployment, signals);
    return capacity !== undefined && signals.inFlight >= capacity;
  }

  private waitBefore({ planned, notBeforeMs }: Again): number {
    const { restingUntilMs, restToldUntilMs } = this.parts.signals.of(planned.deployment.id);
    const nowMs = this.parts.clock.now();
    const restMs = restingUntilMs > nowMs ? Math.max(restingUntilMs, restToldUntilMs) - nowMs : 0;
    return Math.max(notBeforeMs - nowMs, restMs);
  }

  private deferralOf(planned: PlannedAttempt): Deferral | undefined {
    const { deployment } = planned;
    const deferral = findDeferral(deployment, this.parts.signals.of(deployment.id), this.parts.clock.now());
    return deferral ?? (planned.deferral?.kind === 'ramping' ? planned.deferral : undefined);
  }

  private unqueue(planned: PlannedAttempt): PlannedAttempt {
    this.#queue = this.#queue.filter((other) => other !== planned);
    return planned;
  }

  /** Calls one deployment. */
  private join(planned: PlannedAttempt): void {
    const { clock, bus, policy } = this.parts;
    const { plan, features, labels, request, index } = this.asked;
    const { deployment } = planned;
    const number = (this.#attempts += 1);
    const { inputTokens } = promptOf(deployment, features);
    const maxOutputTokens = cappedOutputTokens({
      requested: planned.maxOutputTokens,
      affordable: number === 1 ? Number.POSITIVE_INFINITY : this.affordableTokens(planned),
      modelMaxOutputTokens: deployment.maxOutputTokens,
      contextWindow: deployment.contextWindow,
      inputTokens,
    });
    const running: Running = {
      planned,
      number,
      startedAtMs: clock.now(),
      maxOutputTokens,
      brokenLimits: findBrokenLimits({
        policy,
        surface: plan.surface,
        rule: plan.rule === undefined ? undefined : policy.rules.get(plan.rule),
        features,
        deployment,
        maxOutputTokens,
        spentUsd: this.#spentUsd,
      }),
      timeToFirstTokenMs: undefined,
      isSlow: false,
      call: undefined,
      alarm: undefined,
      limit: undefined,
    };
    for (const other of this.#running) other.alarm?.cancel();
    this.#running.push(running);
    bus.emit('attempt-started', {
      ...labelsOf(planned),
      decisionId: labels.decisionId,
      attempt: number,
      startedAtMs: running.startedAtMs,
      streamed: labels.streamed,
      inputTokens,
    });
    this.setLimits(running);
    running.call = this.parts.deployments.get(deployment.id)?.call({
      request: index,
      attempt: number,
      answerTokens: Math.min(request.answerTokens, maxOutputTokens ?? Number.POSITIVE_INFINITY),
      onFirstToken: () => {
        this.firstToken(running);
      },
      onEnd: (failure) => {
        if (failure === undefined) this.complete(running);
        else this.failed(running, failure, undefined);
      },
    });
  }

  /** The moment to move on, and the end of all patience. */
  private setLimits(running: Running): void {
    const { clock } = this.parts;
    const { labels, mayOverlap } = this.asked;
    const { planned } = running;
    const firstTokenMs = labels.streamed ? planned.timeouts.firstTokenMs : Number.POSITIVE_INFINITY;
    const isDeadline = this.leftMs <= firstTokenMs;
    running.limit = clock.after(Math.min(this.leftMs, firstTokenMs), () => {
      this.stop(running, isDeadline ? 'deadline' : 'too_slow');
    });
    if (mayOverlap) {
      const afterMs = this.moveOnAfterMs(planned);
      if (afterMs !== undefined) this.setAlarm(running, afterMs);
      return;
    }
    const halfMs = Math.max(this.leftMs / 2, planned.usualP95Ms ?? 0);
    const afterMs = Math.min(
      planned.moveOnAfterMs ?? Number.POSITIVE_INFINITY,
      labels.streamed ? Number.POSITIVE_INFINITY : halfMs,
    );
    if (!Number.isFinite(afterMs)) return;
    const cause = afterMs === planned.moveOnAfterMs ? 'moved_on' : 'too_slow';
    running.alarm = clock.after(afterMs, () => {
      if (this.mayMoveOn() && this.parts.giveUps.take()) this.stop(running, cause);
    });
  }

  private setAlarm(running: Running, afterMs: number): void {
    running.alarm?.cancel();
    running.alarm = this.parts.clock.after(afterMs, () => {
      this.sendBeside(running);
    });
  }

  /** Another copy, because one takes long; or a later look, where there is nobody to send it to. */
  private sendBeside(slow: Running): void {
    if (this.#servedBy !== undefined) return;
    const waitedMs = this.parts.clock.now() - slow.startedAtMs;
    const isDesperate = waitedMs >= this.asked.plan.deadlineMs * DESPERATE_SHARE;
    const second = this.takeSecond(isDesperate);
    if (second === undefined) {
      this.setAlarm(slow, ASK_AGAIN_MS);
      return;
    }
    slow.isSlow = true;
    this.parts.bus.emit('attempt-overdue', {
      ...labelsOf(slow.planned),
      decisionId: this.asked.labels.decisionId,
      attempt: slow.number,
      startedAtMs: slow.startedAtMs,
    });
    this.join(second);
  }

  private takeSecond(isDesperate: boolean): PlannedAttempt | undefined {
    const { giveUps } = this.parts;
    if (this.#attempts >= this.asked.plan.maxAttempts || !giveUps.has) return undefined;
    const candidates = this.#queue.filter((other) => this.mayServe(other));
    const second =
      candidates.find((other) => this.deferralOf(other) === undefined) ??
      (isDesperate
        ? candidates.find((other) => !this.isFull(other) && !isKind(this.deferralOf(other), 'resting'))
        : undefined);
    if (second === undefined || !giveUps.take()) return undefined;
    return this.unqueue(second);
  }

  private mayMoveOn(): boolean {
    if (this.#attempts >= this.asked.plan.maxAttempts || !this.parts.giveUps.has) return false;
    return this.#queue.some((other) => this.mayServe(other) && this.deferralOf(other) === undefined);
  }

  private moveOnAfterMs(planned: PlannedAttempt): number | undefined {
    if (!this.asked.labels.streamed) {
      const halfMs = Math.max(this.leftMs / 2, planned.usualP95Ms ?? 0);
      return Math.min(planned.moveOnAfterMs ?? halfMs, halfMs);
    }
    if (planned.moveOnAfterMs === undefined) return undefined;
    const leftMs = planned.targetLatencyMs - (this.parts.clock.now() - this.#startedAtMs);
    const isFirstChoice = this.#attempts === 1 && planned.tier === 'primary';
    if (isFirstChoice || leftMs <= 0) return planned.moveOnAfterMs;
    if (planned.usualP95Ms === undefined) return Math.min(planned.moveOnAfterMs, leftMs / 2);
    const next = this.#queue.find((other) => this.deferralOf(other) === undefined);
    return findMoveOn({
      targetMs: leftMs,
      streamed: true,
      usualP95Ms: planned.usualP95Ms,
      nextUsualP95Ms: next?.usualP95Ms,
    });
  }

  private firstToken(running: Running): void {
    // A whole answer shows nothing before it is there.
    if (!this.asked.labels.streamed) return;
    this.win(running);
    const { clock, bus } = this.parts;
    running.timeToFirstTokenMs = clock.now() - running.startedAtMs;
    this.#timeToFirstTokenMs = clock.now() - this.#startedAtMs;
    bus.emit('attempt-first-token', {
      ...labelsOf(running.planned),
      decisionId: this.asked.labels.decisionId,
      attempt: running.number,
      timeToFirstTokenMs: running.timeToFirstTokenMs,
    });
  }

  /** The first that is answered is served; the others are ended before it is. */
  private win(winner: Running): void {
    if (this.#servedBy !== undefined) return;
    this.#servedBy = winner.planned;
    winner.alarm?.cancel();
    winner.limit?.cancel();
    for (const loser of [...this.#running]) {
      if (loser === winner) continue;
      const waitedMs = this.parts.clock.now() - loser.startedAtMs;
      const { deployment, targetLatencyMs } = loser.planned;
      const isOut = waitedMs >= targetLatencyMs || this.parts.signals.of(deployment.id).isSlow;
      this.stop(loser, !loser.isSlow ? 'lost' : isOut ? 'moved_on' : 'overtaken');
    }
  }

  private complete(running: Running): void {
    this.win(running);
    const { request } = this.asked;
    const answerTokens = Math.min(request.answerTokens, running.maxOutputTokens ?? Number.POSITIVE_INFINITY);
    this.settle(running, 'succeeded', { promptTokens: request.promptTokens, completionTokens: answerTokens });
    this.end('succeeded', undefined);
  }

  /** Ended from our side: the provider has read the prompt, and bills it. */
  private stop(running: Running, cause: StopCause): void {
    running.call?.stop();
    const usage = { promptTokens: this.asked.request.promptTokens, completionTokens: 0 };
    if (cause === 'lost' || cause === 'overtaken') {
      this.settle(running, 'hedge_lost', usage, { isOvertaken: cause === 'overtaken' });
      return;
    }
    const { planned } = running;
    const elapsedMs = this.parts.clock.now() - running.startedAtMs;
    const fairMs = Math.max(
      planned.usualP95Ms ?? 0,
      Math.min(planned.targetLatencyMs, planned.timeouts.firstTokenMs),
    );
    const failure: SimulatedFailure = { kind: 'timeout', status: undefined, retryAfterMs: undefined };
    this.settle(running, 'timed_out', usage, {
      failure,
      isCutShort: cause === 'deadline' && elapsedMs < fairMs,
    });
    // Who won has nothing more to hear of the others.
    if (this.#servedBy === undefined) this.goOn(running, failure, cause);
  }

  private failed(running: Running, failure: SimulatedFailure, cause: StopCause | undefined): void {
    this.settle(running, 'failed', { promptTokens: 0, completionTokens: 0 }, { failure });
    this.goOn(running, failure, cause);
  }

  private goOn(running: Running, failure: SimulatedFailure, cause: StopCause | undefined): void {
    const { planned } = running;
    this.#failures.push({ planned, failure });
    this.#again = [
      ...this.#again,
      {
        planned,
        isSlow: cause === 'moved_on',
        notBeforeMs: this.parts.clock.now() + this.pauseAfter(planned, failure),
      },
    ];
    const [left] = this.#running;
    // One has failed while another, that was slow already, goes on: somebody else is asked at once.
    if (left !== undefined) this.sendBeside(left);
    else this.proceed();
  }

  private pauseAfter(planned: PlannedAttempt, { retryAfterMs = 0 }: SimulatedFailure): number {
    if (retryAfterMs > 0) return retryAfterMs;
    const { baseDelayMs, maxDelayMs } = this.settings.retries;
    return this.parts.random() * Math.min(baseDelayMs * 2 ** (this.failuresOf(planned) - 1), maxDelayMs);
  }

  /** Emits the attempt's record. */
  private settle(
    running: Running,
    outcome: Outcome,
    tokens: { readonly promptTokens: number; readonly completionTokens: number },
    {
      failure,
      isOvertaken = false,
      isCutShort = false,
    }: { failure?: SimulatedFailure; isOvertaken?: boolean; isCutShort?: boolean } = {},
  ): void {
    running.alarm?.cancel();
    running.limit?.cancel();
    this.#running.splice(this.#running.indexOf(running), 1);
    const { planned, number, startedAtMs, timeToFirstTokenMs, brokenLimits } = running;
    const { deployment, tier } = planned;
    const usage = { ...NO_USAGE, ...tokens };
    const costUsd = deployment.price === undefined ? 0 : costOfUsage(usage, deployment.price);
    // What the caps are held by is what the router believes; what the day costs is what is billed.
    this.#spentUsd += costUsd;
    const billedPrice = this.parts.deployments.get(deployment.id)?.price;
    const { labels } = this.asked;
    const record: AttemptRecord = {
      decisionId: labels.decisionId,
      surface: labels.surface,
      workload: labels.workload,
      requestClass: labels.requestClass,
      streamed: labels.streamed,
      deployment: deployment.id,
      model: deployment.model.name,
      provider: deployment.provider,
      attempt: number,
      tier,
      startedAtMs,
      durationMs: this.parts.clock.now() - startedAtMs,
      timeToFirstTokenMs,
      outcome,
      errorKind: failure?.kind,
      status: failure?.status,
      providerCode: undefined,
      retryAfterMs: failure?.retryAfterMs,
      overtaken: isOvertaken,
      cutShort: isCutShort,
      usage,
      usageSource: outcome === 'succeeded' ? 'reported' : 'estimated',
      costUsd,
      reportedModel: undefined,
    };
    this.#ended.push({
      deployment: deployment.id,
      tier,
      outcome,
      errorKind: failure?.kind,
      timeToFirstTokenMs,
      durationMs: record.durationMs,
      costUsd: billedPrice === undefined ? costUsd : costOfUsage(usage, billedPrice),
      brokenLimits,
    });
    this.parts.bus.emit('attempt-ended', record);
  }

  private fail(code?: LlmRouterErrorCode): void {
    const isRefused = this.#ended.length === 0;
    const isRateLimited = isRefused || this.#failures.every(({ failure }) => failure.kind === 'rate_limited');
    const errorCode = code ?? (isRateLimited ? 'rate_limit_exceeded' : 'all_attempts_failed');
    // Without a call it was refused for want of room, whichever of the two it is told.
    this.end(isRefused ? 'shed' : 'failed', errorCode);
  }

  private end(outcome: Outcome, errorCode: LlmRouterErrorCode | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.asked.onEnd({
      outcome,
      errorCode,
      timeToFirstTokenMs: this.#timeToFirstTokenMs,
      servedBy: outcome === 'succeeded' ? this.#servedBy : undefined,
      attempts: this.#ended,
      costUsd: this.#spentUsd,
    });
  }
}

function labelsOf({ deployment }: PlannedAttempt): { deployment: string; model: string; provider: string } {
  return { deployment: deployment.id, model: deployment.model.name, provider: deployment.provider };
}

function isKind(deferral: Deferral | undefined, ...kinds: readonly Deferral['kind'][]): boolean {
  return deferral !== undefined && kinds.includes(deferral.kind);
}
