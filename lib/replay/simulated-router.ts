import { NO_USAGE, validateChatRequest } from '../chat/index.js';
import { BUILT_IN_CLASSES, extractFeatures, type RequestFeatures } from '../classification/index.js';
import { BudgetLedger, type BudgetReservation } from '../cost/index.js';
import { LlmRouterError, type LlmRouterErrorCode } from '../errors/llm-router-error.js';
import { createCascadeBudgets } from '../execution/cascade-budgets.js';
import { AlertStore } from '../observability/index.js';
import {
  capacityOf,
  type CompiledOptions,
  createPlan,
  findPassedOver,
  INTERACTIVE_SLO_MS,
  isFailing,
  type Plan,
  type PolicyDeployment,
  type PolicySnapshot,
  type PolicySurface,
} from '../planning/index.js';
import { LiveSignals } from '../signals/index.js';
import { type RequestLabels, type RequestRecord, TelemetryBus } from '../telemetry/index.js';
import type { ReplayedRequest, ReplayedRouter } from './replayed-request.js';
import { SeededRandom, seedOf } from './seeded-random.js';
import { type CascadeEnd, SimulatedCascade, type SimulatedCascadeParts } from './simulated-cascade.js';
import type { SimulatedClock } from './simulated-clock.js';
import type { SimulatedDeployment } from './simulated-deployment.js';
import { SimulatedRoom } from './simulated-room.js';
import type { TraceRequest } from './trace-request.js';

const NOBODY_LEAVES = new AbortController().signal;
/** Alerts are looked at so often, as long as requests are under way. */
const ALERTS_EVERY_MS = 1_000;

export interface SimulatedRouterOptions {
  readonly compiled: CompiledOptions;
  readonly clock: SimulatedClock;
  readonly deployments: ReadonlyMap<string, SimulatedDeployment>;
  readonly seed: number;
  /** What all requests ask for: `auto`, a rule's name or a model's. Undefined: what the trace says of each. */
  readonly requestedModel: string | undefined;
  /** The class of requests whose trace names none. */
  readonly requestClass: string;
}

/**
 * The router of one configuration on the simulated clock: the planning, the signals, the breakers, the limits and the
 * alerts of live traffic, over attempts that are simulated.
 */
export class SimulatedRouter implements ReplayedRouter {
  readonly #policy: PolicySnapshot;
  readonly #clock: SimulatedClock;
  readonly #signals: LiveSignals;
  readonly #alerts: AlertStore;
  readonly #budgets: BudgetLedger;
  readonly #bus = new TelemetryBus();
  readonly #parts: SimulatedCascadeParts;
  readonly #random: () => number;
  readonly #streamed: RequestFeatures;
  readonly #whole: RequestFeatures;
  #open = 0;
  #isWatching = false;

  constructor(private readonly options: SimulatedRouterOptions) {
    const { clock, compiled, deployments, seed } = options;
    const { policy } = compiled;
    this.#policy = policy;
    this.#clock = clock;
    this.#signals = new LiveSignals(this.#bus, clock.now);
    this.#signals.settings = () => policy.execution;
    this.#budgets = new BudgetLedger(this.#bus, undefined, clock.now);
    this.#alerts = new AlertStore(this.#bus, policy, compiled.configuration.alerts, clock.now);
    const choices = new SeededRandom(seedOf(seed, 'plan'));
    const pauses = new SeededRandom(seedOf(seed, 'pauses'));
    this.#random = () => choices.next();
    const room = new SimulatedRoom(
      clock,
      (deployment) => this.hasRoom(deployment),
      (deployment, queued) => {
        this.#bus.emit('queue-changed', {
          deployment: deployment.id,
          model: deployment.model.name,
          provider: deployment.provider,
          queued,
        });
      },
    );
    const admit = (): void => {
      if (room.size === 0) return;
      // Once everybody has heard of it.
      clock.after(0, () => {
        room.admit();
      });
    };
    this.#bus.on('attempt-ended', admit);
    this.#bus.on('attempt-first-token', admit);
    this.#parts = {
      clock,
      bus: this.#bus,
      signals: this.#signals,
      policy,
      deployments,
      room,
      ...createCascadeBudgets(clock.now),
      random: () => pauses.next(),
    };
    this.#streamed = featuresOf(true);
    this.#whole = featuresOf(false);
  }

  accept(request: TraceRequest, index: number, onEnd: (result: ReplayedRequest) => void): void {
    const startedAtMs = this.#clock.now();
    const surface = this.surfaceOf(request);
    const workload = request.workload ?? surface.workload;
    const labels: RequestLabels = {
      decisionId: `replay-${index}`,
      surface: surface.name,
      workload,
      requestClass: classOf(request, surface, this.#policy) ?? this.options.requestClass,
      streamed: request.streamed,
    };
    let reservation: BudgetReservation | undefined;
    const end = (result: CascadeEnd): void => {
      this.#open -= 1;
      reservation?.settle(result.costUsd);
      const { outcome, errorCode, timeToFirstTokenMs, servedBy, attempts, costUsd } = result;
      const durationMs = this.#clock.now() - startedAtMs;
      const record: RequestRecord = {
        decisionId: labels.decisionId,
        surface: labels.surface,
        workload: labels.workload,
        requestClass: labels.requestClass,
        streamed: labels.streamed,
        startedAtMs,
        durationMs,
        timeToFirstTokenMs,
        outcome,
        errorCode,
        attempts: attempts.length,
        policyHash: this.#policy.hash,
        servedBy:
          servedBy === undefined
            ? undefined
            : {
                deployment: servedBy.deployment.id,
                model: servedBy.deployment.model.name,
                provider: servedBy.deployment.provider,
                tier: servedBy.tier,
              },
        usage: NO_USAGE,
        costUsd,
      };
      this.#bus.emit('request-ended', record);
      onEnd({
        surface: surface.name,
        sloMs: surface.latencySloMs ?? (workload === 'interactive' ? INTERACTIVE_SLO_MS : undefined),
        streamed: request.streamed,
        outcome,
        errorCode,
        durationMs,
        timeToFirstTokenMs,
        servedBy:
          servedBy === undefined ? undefined : { deployment: servedBy.deployment.id, tier: servedBy.tier },
        attempts,
      });
    };
    this.#open += 1;
    this.watchAlerts();
    const refuse = (errorCode: LlmRouterErrorCode): void => {
      end({
        outcome: 'rejected',
        errorCode,
        timeToFirstTokenMs: undefined,
        servedBy: undefined,
        attempts: [],
        costUsd: 0,
      });
    };
    const subject = { surface: surface.name, tenant: undefined, keyId: undefined };
    const budgets = this.#budgets.budgetsOf(this.#policy.budgets, subject);
    if (this.#budgets.findRefusal(budgets) !== undefined) {
      refuse('budget_exceeded');
      return;
    }
    const features = this.featuresOf(request);
    const spent = this.#budgets.findDowngrade(budgets);
    const plan = this.plan(request, features, surface, labels, spent?.name);
    if (typeof plan === 'string' || plan.attempts.length === 0) {
      refuse(typeof plan === 'string' ? plan : 'no_eligible_model');
      return;
    }
    // Nothing is kept of it for what is under way, so that nobody waits for money: it is counted when it is spent.
    const reserved = this.#budgets.reserve(budgets, 0, { maxWaitMs: 0, signal: NOBODY_LEAVES });
    if (!(reserved instanceof Promise)) reservation = reserved;
    for (const deployment of findPassedOver(plan)) {
      this.#bus.emit('deployment-passed-over', { decisionId: labels.decisionId, deployment });
    }
    const mayOverlap = workload === 'interactive' && surface.mayHedge && plan.maxCostUsd === undefined;
    new SimulatedCascade(this.#parts, this.#policy.execution, {
      request,
      index,
      plan,
      features,
      labels,
      mayOverlap,
      onEnd: end,
    }).start();
  }

  close(): void {
    this.#alerts.close();
    this.#budgets.close();
    this.#signals.close();
  }

  /** Or the code of why there is none. */
  private plan(
    request: TraceRequest,
    features: RequestFeatures,
    surface: PolicySurface,
    labels: RequestLabels,
    downgradedBy: string | undefined,
  ): Plan | LlmRouterErrorCode {
    try {
      return createPlan({
        features,
        classification: { class: labels.requestClass, score: request.score ?? 0 },
        requestedModel: this.options.requestedModel ?? this.wishOf(request),
        circumstances: {
          surface,
          workload: labels.workload,
          deadlineMs: undefined,
          deadlineLimitMs: undefined,
          downgradedBy,
        },
        policy: this.#policy,
        signals: this.#signals,
        nowMs: this.#clock.now(),
        random: this.#random,
      });
    } catch (error) {
      if (LlmRouterError.isInstance(error)) return error.code;
      throw error;
    }
  }

  /** A name that this configuration does not have would be refused; it is replayed without. */
  private wishOf({ requestedModel }: TraceRequest): string {
    const { rules, modelNames } = this.#policy;
    const isKnown =
      requestedModel !== undefined && (rules.has(requestedModel) || modelNames.has(requestedModel));
    return isKnown ? requestedModel : 'auto';
  }

  private surfaceOf({ surface }: TraceRequest): PolicySurface {
    const named = surface === undefined ? undefined : this.#policy.surfaces.get(surface);
    return named ?? this.#policy.defaultSurface;
  }

  private featuresOf({ streamed, promptTokens }: TraceRequest): RequestFeatures {
    return { ...(streamed ? this.#streamed : this.#whole), inputTokens: promptTokens };
  }

  private hasRoom(deployment: PolicyDeployment): boolean {
    const live = this.#signals.of(deployment.id);
    if (live.restingUntilMs > this.#clock.now() || (isFailing(live) && live.breakerShare === 0)) return false;
    const capacity = capacityOf(deployment, live);
    return capacity === undefined || live.inFlight < capacity;
  }

  private watchAlerts(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#clock.after(ALERTS_EVERY_MS, () => {
      this.#isWatching = false;
      // Looks at all that is watched.
      this.#alerts.report();
      // Alone it must not keep the clock going: a request that nobody ends would be waited for without end.
      if (this.#open > 0 && !this.#clock.isIdle) this.watchAlerts();
    });
  }
}

/** Where this configuration has a threshold of its own, the recorded score decides by it. */
function classOf(
  { requestClass, score }: TraceRequest,
  surface: PolicySurface,
  policy: PolicySnapshot,
): string | undefined {
  const calibration = surface.calibration ?? policy.classification.calibration;
  if (score === undefined || calibration?.kind !== 'threshold') return requestClass;
  const [easy, hard] = BUILT_IN_CLASSES;
  const decided = score >= calibration.value ? hard : easy;
  return policy.rulesForClass.has(decided) ? decided : requestClass;
}

/** Of a request that asks for nothing but an answer: its length is put in for each. */
function featuresOf(streamed: boolean): RequestFeatures {
  const request = validateChatRequest({ messages: [{ role: 'user', content: '' }], stream: streamed });
  return { ...extractFeatures(request), questionText: '' };
}
