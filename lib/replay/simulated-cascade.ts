import type { RequestFeatures } from '../classification/index.js';
import { NO_USAGE } from '../chat/index.js';
import {
  affordableOutputTokens,
  cappedOutputTokens,
  costOfUsage,
  MIN_AFFORDABLE_OUTPUT_TOKENS,
} from '../cost/index.js';
import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import { ProviderError } from '../errors/provider-error.js';
import type { StopCause } from '../execution/attempt-clock.js';
import {
  alarmAfterCall,
  type PaceAlarm,
  type PatienceLimit,
  patienceWith,
} from '../execution/attempt-pace.js';
import { outcomeOfFailure } from '../execution/attempt-runner.js';
import { type CascadeBudgets, payIntoBudgets } from '../execution/cascade-budgets.js';
import { type CascadeMoment, MIN_ATTEMPT_MS } from '../execution/cascade-moment.js';
import { type CascadeState, startCascade, withCall } from '../execution/cascade-state.js';
import { causeOfEnd } from '../execution/cause-of-end.js';
import { causeOfLoss, chooseBeside, isBetterLeft } from '../execution/choose-beside.js';
import { type EndStep, nextStep, type RoomStep } from '../execution/next-step.js';
import { noteFailure } from '../execution/note-failure.js';
import {
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

/** What all requests share. */
export interface SimulatedCascadeParts extends CascadeBudgets {
  readonly clock: SimulatedClock;
  readonly bus: TelemetryBus;
  readonly signals: SignalsSnapshot;
  readonly policy: PolicySnapshot;
  readonly deployments: ReadonlyMap<string, SimulatedDeployment>;
  readonly room: SimulatedRoom;
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
  /** The moment for another copy. */
  alarm: SimulatedTimer | undefined;
  /** The end of the patience with it, or of the request's. */
  limit: SimulatedTimer | undefined;
}

/** One that has failed. */
interface Failed {
  readonly planned: PlannedAttempt;
  readonly error: ProviderError;
  readonly stopCause: StopCause | undefined;
}

/**
 * One request carried out on the simulated clock: who is called next, when another copy goes out, and what a failure means
 * is chosen by the same functions as in the router ({@link nextStep}); only the calls and the waits are simulated.
 *
 * What it leaves out: streams that break after their first token (and so their continuation), several keys of one provider,
 * callers that leave, and what providers refuse for the caller's fault.
 */
export class SimulatedCascade {
  #state: CascadeState;
  readonly #running: Running[] = [];
  /** Of the calls under way at once, those that have ended: told once all have. */
  #failed: Failed[] = [];
  readonly #ended: ReplayedAttempt[] = [];
  readonly #startedAtMs: number;
  readonly #deadlineMs: number;
  #spentUsd = 0;
  #servedBy: PlannedAttempt | undefined;
  #timeToFirstTokenMs: number | undefined;
  #isOver = false;

  constructor(
    private readonly parts: SimulatedCascadeParts,
    private readonly settings: PolicyExecution,
    private readonly asked: RequestToSimulate,
  ) {
    const { plan, labels, mayOverlap } = asked;
    this.#state = startCascade({ plan, streamed: labels.streamed, mayOverlap, retries: settings.retries });
    this.#startedAtMs = parts.clock.now();
    this.#deadlineMs = this.#startedAtMs + plan.deadlineMs;
    payIntoBudgets(parts, settings);
  }

  start(): void {
    this.proceed();
  }

  private get leftMs(): number {
    return this.#deadlineMs - this.parts.clock.now();
  }

  private moment(): CascadeMoment {
    const { clock, signals, resends, random } = this.parts;
    const nowMs = clock.now();
    return {
      nowMs,
      clockMs: nowMs,
      elapsedMs: nowMs - this.#startedAtMs,
      leftMs: this.leftMs,
      signals,
      // A place is entered in the moment it comes free.
      reserved: () => 0,
      mayResend: resends.has,
      isServable: (planned) => this.affordableTokens(planned) >= MIN_AFFORDABLE_OUTPUT_TOKENS,
      isSayable: () => true,
      random,
    };
  }

  /** Calls the next one, or sees to it that it is looked again. */
  private proceed(isLastResort = false): void {
    if (this.#isOver) return;
    const step = nextStep(this.#state, this.moment(), isLastResort);
    this.#state = step.state;
    switch (step.kind) {
      case 'call':
        if (step.isResend) this.parts.resends.take();
        this.join(step.planned);
        return;
      case 'look_again':
        this.lookAfter(step.afterMs);
        return;
      case 'wait_for_room':
        this.waitForRoom(step);
        return;
      case 'end':
        this.giveUp(step);
    }
  }

  private affordableTokens({ deployment }: PlannedAttempt): number {
    const { plan, features } = this.asked;
    // Before the first attempt the plan's own limits hold all of it.
    if (plan.maxCostUsd === undefined || deployment.price === undefined || this.#ended.length === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const left = plan.maxCostUsd - this.#spentUsd;
    return affordableOutputTokens(left, deployment.price, promptOf(deployment, features));
  }

  private lookAfter(ms: number, isLastResort = false): void {
    this.parts.clock.after(ms, () => {
      this.proceed(isLastResort);
    });
  }

  private waitForRoom({ inTimeMs, atMostMs, elseAfterMs, without, isLastResort, state }: RoomStep): void {
    const { plan } = this.asked;
    const { maxSize, maxWaitMs = Number.POSITIVE_INFINITY } = this.settings.queue;
    this.parts.room.wait(
      {
        deployments: state.queue.map(({ deployment }) => deployment),
        isBackground: plan.workload === 'background',
        priority: plan.surface.priority,
        inTimeUntilMs: this.parts.clock.now() + (inTimeMs ?? 0),
        maxWaitMs: Math.min(this.leftMs, maxWaitMs, atMostMs ?? Number.POSITIVE_INFINITY),
        onPlace: (deployment) => {
          if (deployment === undefined) {
            if (without === 'look_again') this.proceed(isLastResort);
            else this.giveUp({ reason: without });
            return;
          }
          const planned = this.#state.queue.find((one) => one.deployment === deployment);
          if (planned === undefined || this.leftMs < MIN_ATTEMPT_MS) {
            // Once the others that wait were looked at.
            this.lookAfter(0, isLastResort);
            return;
          }
          this.#state = withCall(this.#state, planned);
          this.join(planned);
        },
        onTurnedAway: () => {
          if (elseAfterMs === undefined) this.giveUp({ reason: 'full' });
          else this.lookAfter(elseAfterMs, isLastResort);
        },
      },
      maxSize,
    );
  }

  /** Calls one that has been counted. */
  private join(planned: PlannedAttempt): void {
    const { clock, bus, policy } = this.parts;
    const { plan, features, labels, mayOverlap, request, index } = this.asked;
    const { deployment } = planned;
    const number = this.#state.attempts;
    const { inputTokens } = promptOf(deployment, features);
    const maxOutputTokens = cappedOutputTokens({
      requested: planned.maxOutputTokens,
      affordable: this.affordableTokens(planned),
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
    // An older one has had its time.
    for (const other of this.#running) this.setAlarm(other, undefined);
    this.#running.push(running);
    bus.emit('attempt-started', {
      ...labelsOf(planned),
      decisionId: labels.decisionId,
      attempt: number,
      startedAtMs: running.startedAtMs,
      streamed: labels.streamed,
      inputTokens,
    });
    const limits = patienceWith(planned, labels.streamed, this.leftMs);
    // Where a second copy may go out nobody is given up on.
    this.setLimit(running, mayOverlap ? limits.filter(({ isOptional }) => !isOptional) : limits);
    if (mayOverlap) {
      const mayHedge = this.settings.hedge.enabled && this.parts.hedges.has;
      this.setAlarm(running, alarmAfterCall(this.#state, this.moment(), planned, mayHedge));
    }
    running.call = this.parts.deployments.get(deployment.id)?.call({
      request: index,
      attempt: number,
      answerTokens: Math.min(request.answerTokens, maxOutputTokens ?? Number.POSITIVE_INFINITY),
      onFirstToken: () => {
        this.firstToken(running);
      },
      onEnd: (failure) => {
        if (failure === undefined) this.complete(running);
        else this.fail(running, failure);
      },
    });
  }

  /** The nearest of the limits; one that does not count when its time is up gives way to the next. */
  private setLimit(running: Running, limits: readonly PatienceLimit[]): void {
    let nearest: PatienceLimit | undefined;
    let nearestMs = Number.POSITIVE_INFINITY;
    for (const limit of limits) {
      if (limit.afterMs === undefined || limit.afterMs >= nearestMs) continue;
      nearest = limit;
      nearestMs = limit.afterMs;
    }
    if (nearest === undefined) return;
    const { cause, isOptional } = nearest;
    running.limit = this.parts.clock.at(running.startedAtMs + nearestMs, () => {
      if (!isOptional || this.mayMoveOn()) this.stop(running, cause);
      else
        this.setLimit(
          running,
          limits.filter((limit) => limit !== nearest),
        );
    });
  }

  private mayMoveOn(): boolean {
    return isBetterLeft(this.#state, this.moment()) && this.parts.giveUps.take();
  }

  private setAlarm(running: Running, alarm: PaceAlarm | undefined): void {
    running.alarm?.cancel();
    running.alarm =
      alarm?.afterMs === undefined
        ? undefined
        : this.parts.clock.after(alarm.afterMs, () => {
            running.alarm = undefined;
            this.sendBeside(running, alarm.reason);
          });
  }

  private sendBeside(slow: Running, reason: PaceAlarm['reason']): void {
    if (this.#servedBy !== undefined) return;
    const { planned } = slow;
    const budget = reason === 'hedge' ? this.parts.hedges : this.parts.giveUps;
    const due = { planned, reason, waitedMs: this.parts.clock.now() - slow.startedAtMs };
    const beside = chooseBeside(this.#state, this.moment(), due, budget.has);
    if (beside.kind === 'ask_again') {
      this.setAlarm(slow, beside.alarm);
      return;
    }
    budget.take();
    this.#state = beside.state;
    if (beside.isSlow) {
      slow.isSlow = true;
      this.parts.bus.emit('attempt-overdue', {
        ...labelsOf(planned),
        decisionId: this.asked.labels.decisionId,
        attempt: slow.number,
        startedAtMs: slow.startedAtMs,
      });
    }
    this.join(beside.planned);
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
      const { planned, isSlow, startedAtMs } = loser;
      const waitedMs = this.parts.clock.now() - startedAtMs;
      this.stop(loser, causeOfLoss(this.parts, planned, { isSlow, waitedMs }));
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
    if (cause === 'hedge_lost' || cause === 'overtaken') {
      this.settle(running, 'hedge_lost', usage, { isOvertaken: cause === 'overtaken' });
      return;
    }
    const { planned } = running;
    const elapsedMs = this.parts.clock.now() - running.startedAtMs;
    const fairMs = Math.max(
      planned.usualP95Ms ?? 0,
      Math.min(planned.targetLatencyMs, planned.timeouts.firstTokenMs),
    );
    const error = new ProviderError({ kind: 'timeout' });
    this.settle(running, 'timed_out', usage, {
      error,
      isCutShort: cause === 'deadline' && elapsedMs < fairMs,
    });
    // Who won has nothing more to hear of the others.
    if (this.#servedBy === undefined) this.goOn({ planned, error, stopCause: cause });
  }

  private fail(running: Running, { kind, status, retryAfterMs }: SimulatedFailure): void {
    const error = new ProviderError({
      kind,
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.settle(running, outcomeOfFailure(error), { promptTokens: 0, completionTokens: 0 }, { error });
    this.goOn({ planned: running.planned, error, stopCause: undefined });
  }

  private goOn(failed: Failed): void {
    this.#failed.push(failed);
    const [left] = this.#running;
    if (left !== undefined) {
      // One has failed while another, that was slow already, goes on: somebody else is asked at once.
      if (left.alarm === undefined) this.sendBeside(left, 'move_on');
      return;
    }
    const ended = this.#failed;
    this.#failed = [];
    for (const one of ended) {
      const { state, isFinal } = noteFailure(this.#state, this.moment(), one);
      this.#state = state;
      if (!isFinal) continue;
      this.end('rejected', 'upstream_rejected');
      return;
    }
    this.proceed();
  }

  /** Emits the attempt's record. */
  private settle(
    running: Running,
    outcome: Outcome,
    tokens: { readonly promptTokens: number; readonly completionTokens: number },
    {
      error,
      isOvertaken = false,
      isCutShort = false,
    }: { error?: ProviderError; isOvertaken?: boolean; isCutShort?: boolean } = {},
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
      errorKind: error?.kind,
      status: error?.status,
      providerCode: undefined,
      retryAfterMs: error?.retryAfterMs,
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
      errorKind: error?.kind,
      timeToFirstTokenMs,
      durationMs: record.durationMs,
      costUsd: billedPrice === undefined ? costUsd : costOfUsage(usage, billedPrice),
      brokenLimits,
    });
    this.parts.bus.emit('attempt-ended', record);
  }

  private giveUp({ reason }: Pick<EndStep, 'reason'>): void {
    // Without a call it was refused for want of room, whichever of the two it is told.
    const outcome = this.#ended.length === 0 ? 'shed' : 'failed';
    if (reason === 'full') this.end(outcome, 'overloaded');
    else if (reason === 'resting') this.end(outcome, 'rate_limit_exceeded');
    else this.endOfFailures(outcome);
  }

  private endOfFailures(outcome: Outcome): void {
    const { failures, isOverdue } = this.#state;
    const cause = causeOfEnd(
      failures.map(({ kind }) => kind),
      isOverdue || this.leftMs <= 0,
    );
    if (cause === 'deadline') this.end('timed_out', 'deadline_exceeded');
    else if (cause === 'rate_limited') this.end(outcome, 'rate_limit_exceeded');
    else this.end(outcome, 'all_attempts_failed');
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
