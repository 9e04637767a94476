import { fieldOfParameter } from '../catalog/index.js';
import {
  addUsage,
  type ChatCompletion,
  type ChatCompletionChunk,
  type EmbeddingResponse,
  estimateTokens,
  NO_USAGE,
  type ValidatedChatRequest,
  validateChatRequest,
  validateEmbeddingRequest,
} from '../chat/index.js';
import {
  type AnswerChecker,
  type Classification,
  type ClassifiableRequest,
  extractEmbeddingFeatures,
  extractFeatures,
  type RequestClassifier,
  type RequestFeatures,
  type VerifyPolicy,
} from '../classification/index.js';
import { didYouMean } from '../config/index.js';
import { costOfUsage } from '../cost/index.js';
import {
  currentLlmContext,
  type LlmRequestContext,
  mergeLlmContext,
  type Workload,
} from '../context/index.js';
import type { Budget, BudgetLedger, BudgetReservation, RequestBudget } from '../cost/index.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { ContextLengthExceededError } from '../errors/context-length-exceeded-error.js';
import { InternalError } from '../errors/internal-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { LlmRouterError, type LlmRouterErrorCode } from '../errors/llm-router-error.js';
import { NoEligibleModelError } from '../errors/no-eligible-model-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import {
  ChoiceProgress,
  choicesOf,
  type Execution,
  type PlanExecutor,
  primed,
  type ServedAnswer,
  SHUTDOWN,
} from '../execution/index.js';
import {
  CLASSIFICATION_CLASS,
  classDecides,
  createEmbeddingPlan,
  createPlan,
  findPassedOver,
  INTERACTIVE_DEADLINE_MS,
  LONG_DEADLINE_MS,
  NO_SURFACE,
  type Plan,
  type PlanInput,
  type PlannedAttempt,
  type PolicyDeployment,
  type PolicySnapshot,
  type PolicySurface,
  findContextFaults,
  harderRule,
  type SignalsSnapshot,
  tightenSurface,
} from '../planning/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import type {
  AttemptRecord,
  ObservedDecision,
  Outcome,
  RequestLabels,
  RequestRecord,
  TelemetryBus,
} from '../telemetry/index.js';
import { Admission } from './admission.js';
import { type InternalCallOptions, KEYS_BESIDE_CONTEXT } from './call-options.js';
import { type CallTally, currentCallTally } from './call-tally.js';
import { createDecisionId } from './decision-id.js';
import { embeddingAnswer } from './embedding-answer.js';
import { explainPlan } from './explain-plan.js';
import type { Explanation } from './explanation.js';
import { JourneyModelCaller } from './journey-model-caller.js';
import { mostCostOf } from './most-cost.js';
import { MIN_CACHED_TOKENS, PromptAffinity } from './prompt-affinity.js';
import type { RequestTries } from './request-tries.js';
import type { RoutingInfo } from './routing-info.js';
import type { RoutingRuntime } from './routing-runtime.js';
import { tenantKeyOf } from './tenant-key.js';
import { TurnCollectors } from './turn-collector.js';
import type { TurnMemory } from './turn-memory.js';

export interface PipelineParts {
  /** The runtime of now; a request takes it once. */
  readonly runtime: () => RoutingRuntime;
  readonly classifier: RequestClassifier;
  readonly checker: AnswerChecker;
  readonly signals: SignalsSnapshot;
  readonly executor: PlanExecutor;
  readonly bus: TelemetryBus;
  readonly budgets: BudgetLedger;
  /** Undefined: nothing is kept of answers. May be another one after each reconfiguration. */
  readonly turns: TurnMemory | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fault of ours that no caller can be told of; the Nest layer logs its kind. */
  readonly onFault: (decisionId: string, error: unknown) => void;
}

export interface RoutedAnswer {
  readonly completion: ChatCompletion;
  readonly routing: RoutingInfo;
}

export interface RoutedEmbeddings {
  readonly response: EmbeddingResponse;
  readonly routing: RoutingInfo;
}

export interface RoutedStream {
  /** Must be read to its end or returned. */
  readonly chunks: AsyncGenerator<ChatCompletionChunk, void, undefined>;
  readonly routing: RoutingInfo;
  /** Cost over all attempts; final once the chunks have ended. */
  costUsd(): number;
  /** Aborts when the caller has left or the shutdown ends the request. */
  readonly ended: AbortSignal;
}

/** Service tiers that cost list price or less. */
const CAPPED_SERVICE_TIERS: ReadonlySet<unknown> = new Set([undefined, null, 'auto', 'default', 'flex']);

/** How long a stream that was ended by the shutdown has to tell its reader so. */
const LAST_WORDS_MS = 1_000;
/** So long, and half of its deadline at most, a request waits for money that is kept for others. */
const MAX_MONEY_WAIT_MS = 30_000;
/** Node takes a longer one for 1 ms. */
const MAX_TIMER_MS = 2_147_000_000;

const NO_TURNS: ReadonlyMap<number, never> = new Map<number, never>();

/** A request on its way: what is known of it so far, and the one place where it ends. */
interface Journey {
  readonly runtime: RoutingRuntime;
  readonly decisionId: string;
  readonly startedAtMs: number;
  readonly startedAt: number;
  readonly controller: AbortController;
  readonly records: AttemptRecord[];
  /** Of these, calls that were made to find out its class. */
  callsBefore: number;
  /** Who counts the requests of the handler this one was made in. */
  readonly tally: CallTally | undefined;
  /** Where it is one of several: those before it, and who tells of it. */
  readonly tries: RequestTries | undefined;
  labels: RequestLabels;
  servedBy: PlannedAttempt | undefined;
  /** Gives its place back. */
  leave: (() => void) | undefined;
  /** What is kept for it of the budgets it is paid from. */
  reservation: BudgetReservation | undefined;
  /** What of its cost was counted before that was kept. */
  countedUsd: number;
  timeToFirstTokenMs: number | undefined;
  /** Ends a stream whose reader has gone without a word. */
  abandonment: NodeJS.Timeout | undefined;
  /** What routing would have done, where it is only observed. */
  observed: ObservedPlan | undefined;
  /** What the caller reads from, once a stream has begun. */
  chunks: AsyncGenerator<ChatCompletionChunk, void, undefined> | undefined;
  /** Emits the request record and gives back what the request holds. The first call counts. */
  end(outcome: Outcome, errorCode?: LlmRouterErrorCode): void;
}

/** Who asks, under which surface. */
interface Circumstances {
  readonly surface: PolicySurface;
  readonly workload: Workload;
  readonly tenant: string | undefined;
  readonly deadlineMs: number | undefined;
  readonly budgets: readonly RequestBudget[];
}

/** Whom routing would ask; `refused`: it would refuse the request, which the baseline takes. */
type ObservedPlan = Plan | 'refused';

/** Whom to ask; and while routing is only observed, whom it would have asked. */
interface Decision {
  readonly plan: Plan;
  readonly observed?: ObservedPlan;
}

/** A request that has been read, and is not planned yet. */
interface Received {
  readonly request: ValidatedChatRequest;
  readonly features: RequestFeatures;
  readonly circumstances: Circumstances;
  readonly recalledTurns: ReadonlyMap<number, RecalledTurn>;
  readonly tenant: string;
}

/** An answer, under the plan that led to it. */
interface Answered {
  readonly planned: Planned;
  readonly served: ServedAnswer;
  /** Calls of the request before those of this plan. */
  readonly callsBefore: number;
  readonly verification: RoutingInfo['verification'];
}

interface Planned {
  readonly request: ValidatedChatRequest;
  readonly features: RequestFeatures;
  readonly plan: Plan;
  readonly recalledTurns: ReadonlyMap<number, RecalledTurn>;
  /** Whose turns are remembered. */
  readonly tenant: string;
  /** Two copies of it may be under way at once. */
  readonly mayOverlap: boolean;
  readonly budgets: readonly RequestBudget[];
  readonly hasShare: boolean;
}

/** validate → context → classify → plan → execute → record: the only orchestration there is. */
export class RequestPipeline {
  readonly #admission = new Admission();
  readonly #open = new Set<Journey>();
  readonly #affinity = new PromptAffinity();

  constructor(private readonly parts: PipelineParts) {}

  /** Requests under way. */
  get inFlight(): number {
    return this.#admission.inFlight;
  }

  async chat(body: unknown, options: InternalCallOptions = {}): Promise<RoutedAnswer> {
    const journey = this.begin(options, false);
    try {
      const received = this.receive(journey, withStream(body, false), options);
      const found = this.classify(journey, received, options);
      // A step of the event loop only where somebody is asked.
      const classification = found instanceof Promise ? await found : found;
      const planned = this.plan(journey, received, classification, options);
      const funding = this.fund(journey, planned);
      if (funding !== undefined) await funding;
      const execution = this.execution(journey, planned);
      const first: Answered = {
        planned,
        served: await this.parts.executor.chat(execution),
        callsBefore: journey.callsBefore,
        verification: undefined,
      };
      const isVerified = this.verifyOf(journey, planned) !== undefined;
      const answered = isVerified ? await this.verify(journey, received, first, options) : first;
      const { served, verification } = answered;
      const { planned: attempt, completion } = served;
      journey.servedBy = attempt;
      this.keepWarm(journey, planned);
      if (this.parts.turns !== undefined) {
        const collectors = new TurnCollectors();
        collectors.answer(completion);
        this.remember(collectors, planned, attempt);
      }
      const { plan } = answered.planned;
      const routing = this.routing(journey, plan, { ...served, verification }, costOf(journey));
      journey.end('succeeded');
      return { completion, routing };
    } catch (error) {
      throw this.fail(journey, error);
    }
  }

  /** Makes vectors by the one model that is named. */
  async embed(body: unknown, options: InternalCallOptions = {}): Promise<RoutedEmbeddings> {
    const journey = this.begin(options, false);
    try {
      const request = validateEmbeddingRequest(body, journey.runtime.limits);
      const features = extractEmbeddingFeatures(request);
      const { runtime } = journey;
      const { surface, workload, deadlineMs, budgets } = this.circumstances(runtime, options);
      const plan = createEmbeddingPlan({
        features,
        requestedModel: request.model,
        circumstances: { surface, workload, deadlineMs, deadlineLimitMs: options.deadlineLimitMs },
        policy: runtime.policy,
        signals: this.parts.signals,
        nowMs: Date.now(),
        random: this.parts.random,
      });
      this.label(journey, plan);
      if (plan.attempts.length === 0) throw nothingEligible(plan, features);
      const funding = this.fund(journey, { plan, features, mayOverlap: false, budgets }, 0);
      if (funding !== undefined) await funding;
      const served = await this.parts.executor.embed({
        plan,
        request,
        features,
        labels: journey.labels,
        settings: runtime.policy.execution,
        signals: this.parts.signals,
        // Vectors are asked for in bulk: nobody waits for one of them.
        mayOverlap: false,
        clients: runtime.clients,
        signal: journey.controller.signal,
        startedAt: journey.startedAt,
        records: journey.records,
      });
      journey.servedBy = served.planned;
      const routing = this.routing(journey, plan, { ...served, droppedFields: [] }, costOf(journey));
      journey.end('succeeded');
      return { response: embeddingAnswer(served.embeddings, served.usage, request), routing };
    } catch (error) {
      throw this.fail(journey, error);
    }
  }

  /** Resolves when the first token is there; until then every failure rejects as an error of its own. */
  async stream(body: unknown, options: InternalCallOptions = {}): Promise<RoutedStream> {
    const journey = this.begin(options, true);
    try {
      const received = this.receive(journey, withStream(body, true), options);
      const found = this.classify(journey, received, options);
      const classification = found instanceof Promise ? await found : found;
      const planned = this.plan(journey, received, classification, options);
      const funding = this.fund(journey, planned);
      if (funding !== undefined) await funding;
      const execution = this.execution(journey, planned);
      const served = await this.parts.executor.stream(execution);
      journey.servedBy = served.planned;
      journey.timeToFirstTokenMs = performance.now() - journey.startedAt;
      const chunks = await primed(this.passOn(journey, served.chunks, planned, served));
      journey.chunks = chunks;
      // A reader that neither reads nor leaves would hold its place for ever; while it reads, the executor's own
      // limit comes first.
      journey.abandonment = setTimeout(
        () => {
          this.giveUp(journey);
        },
        longestStreamMs(planned.plan) + LAST_WORDS_MS,
      ).unref();
      return {
        chunks,
        routing: this.routing(journey, planned.plan, served, undefined, journey.callsBefore + served.attempt),
        costUsd: () => costOf(journey),
        ended: journey.controller.signal,
      };
    } catch (error) {
      throw this.fail(journey, error);
    }
  }

  /** The plan alone: nothing is called, nothing is recorded or learned. */
  explain(body: unknown, options: InternalCallOptions = {}): Explanation {
    const runtime = this.parts.runtime();
    const request = validateChatRequest(body, runtime.limits);
    const { received, plan, observed } = this.previewPlan(
      runtime,
      request,
      options,
      Number.POSITIVE_INFINITY,
    );
    const spent = this.parts.budgets.findRefusal(received.circumstances.budgets);
    // Nothing is verified while routing is only observed.
    const shown =
      observed === undefined
        ? withVerifyNote(plan, request, runtime.policy)
        : observed === 'refused'
          ? plan
          : observed;
    const notes = [
      // What routing would do is what one wants to see while it is only observed.
      ...(observed === undefined || shown === plan ? [] : plan.notes),
      ...shown.notes,
      ...(spent === undefined ? [] : [`${describeBudget(spent)} is spent: it would be refused`]),
    ];
    return explainPlan({ ...shown, notes }, received.features, runtime.policy.hash);
  }

  /**
   * Who would be asked, the best first. Nothing is called, nothing is recorded.
   *
   * @throws what would refuse the request, a spent budget excepted.
   */
  preview(body: unknown, options: InternalCallOptions): readonly PolicyDeployment[] {
    const runtime = this.parts.runtime();
    const request = validateChatRequest(withStream(body, false), runtime.limits);
    const { received, plan } = this.previewPlan(runtime, request, options);
    checkPlan(plan, request, received.features);
    return plan.attempts.map(({ deployment }) => deployment);
  }

  /** The plan as far as it can be made without asking a model for the class. */
  private previewPlan(
    runtime: RoutingRuntime,
    request: ValidatedChatRequest,
    options: InternalCallOptions,
    candidatesPerTier?: number,
  ): Decision & { readonly received: Pick<Received, 'request' | 'features' | 'circumstances'> } {
    const features = extractFeatures(request, thinkingTokensOf(NO_TURNS));
    const circumstances = this.circumstances(runtime, options);
    const received = { request, features, circumstances };
    const classification = this.parts.classifier.preview(
      classifiable(runtime, request, features, circumstances),
    );
    return { received, ...this.decide(runtime, received, classification, options, candidatesPerTier) };
  }

  /** Records a request that was refused before it was begun, and gives the error to throw. */
  refuse(error: unknown, options: InternalCallOptions): LlmRouterError {
    const known = this.fail(this.open(options, false), error);
    options.tries?.conclude();
    return known;
  }

  /** Takes no new request, waits for those under way, and ends the rest after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#admission.close();
    let timer = setTimeout(() => {
      for (const { controller } of this.#open) controller.abort(SHUTDOWN);
      timer = setTimeout(() => {
        // Nobody reads on: such a stream would never get to hear that it was ended.
        for (const journey of this.#open) this.giveUp(journey);
      }, LAST_WORDS_MS);
    }, graceMs);
    await this.#admission.whenIdle();
    clearTimeout(timer);
  }

  /** Ends a stream that nobody reads on. */
  private giveUp({ chunks, controller, decisionId }: Journey): void {
    // Tells those who only hold the stream that it is over.
    controller.abort();
    chunks?.return().catch((error: unknown) => {
      this.parts.onFault(decisionId, error);
    });
  }

  private begin(options: InternalCallOptions, streamed: boolean): Journey {
    const journey = this.open(options, streamed);
    try {
      journey.leave = this.#admission.enter(journey.runtime.limits, options.keyId, journey.labels.workload);
    } catch (error) {
      throw this.fail(journey, error);
    }
    this.#open.add(journey);
    return journey;
  }

  private open(options: InternalCallOptions, streamed: boolean): Journey {
    const runtime = this.parts.runtime();
    const startedAt = performance.now();
    const { tries } = options;
    const decisionId = tries?.decisionId ?? createDecisionId();
    const controller = new AbortController();
    const onAbort = (): void => {
      controller.abort(options.signal?.reason);
    };
    if (options.signal?.aborted) onAbort();
    else options.signal?.addEventListener('abort', onAbort, { once: true });

    const release = runtime.hold();
    let hasEnded = false;
    const context = mergeLlmContext(currentLlmContext(), options);
    const surface = context.surface === undefined ? undefined : runtime.policy.surfaces.get(context.surface);
    const journey: Journey = {
      runtime,
      decisionId,
      startedAtMs: Date.now(),
      startedAt,
      controller,
      records: [],
      callsBefore: 0,
      tally: tries === undefined ? currentCallTally() : tries.tally,
      tries,
      labels: {
        decisionId,
        // Only configured names become labels.
        surface: surface?.name ?? NO_SURFACE,
        workload: context.workload === 'background' ? 'background' : (surface?.workload ?? 'interactive'),
        requestClass: 'none',
        streamed,
      },
      servedBy: undefined,
      leave: undefined,
      reservation: undefined,
      countedUsd: 0,
      timeToFirstTokenMs: undefined,
      abandonment: undefined,
      observed: undefined,
      chunks: undefined,
      end: (outcome, errorCode) => {
        if (hasEnded) return;
        hasEnded = true;
        options.signal?.removeEventListener('abort', onAbort);
        clearTimeout(journey.abandonment);
        this.#open.delete(journey);
        const { servedBy, records } = journey;
        journey.reservation?.settle(totalCost(journey) - journey.countedUsd);
        const record: RequestRecord = {
          ...journey.labels,
          startedAtMs: journey.startedAtMs,
          durationMs: performance.now() - startedAt,
          timeToFirstTokenMs: journey.timeToFirstTokenMs,
          outcome,
          errorCode,
          attempts: callsOf(journey),
          servedBy:
            servedBy === undefined
              ? undefined
              : {
                  deployment: servedBy.deployment.id,
                  model: servedBy.deployment.model.name,
                  provider: servedBy.deployment.provider,
                  tier: servedBy.tier,
                },
          usage: records.reduce((sum, record) => addUsage(sum, record.usage), tries?.usage ?? NO_USAGE),
          costUsd: costOf(journey),
          ...observedIn(journey, outcome),
        };
        const tell = (): void => {
          this.parts.bus.emit('request-ended', record);
          journey.tally?.onEnded(record);
        };
        if (tries === undefined) tell();
        else tries.end(record, tell);
        journey.leave?.();
        release();
      },
    };
    if (tries === undefined) journey.tally?.onStarted();
    else tries.begin();
    return journey;
  }

  /** What the answer will be held against; undefined: nothing, or nobody harder could be asked then. */
  private verifyOf({ runtime: { policy } }: Journey, { plan, request }: Planned): VerifyPolicy | undefined {
    const rule = plan.rule === undefined ? undefined : policy.rules.get(plan.rule);
    if (rule?.verify === undefined || !classDecides(policy, plan.surface, request.model)) return undefined;
    return harderRule(policy, plan.classification.class, rule.name) === undefined ? undefined : rule.verify;
  }

  /** Checks an answer, and asks the next harder rule where it is not good enough. */
  private async verify(
    journey: Journey,
    received: Received,
    answered: Answered,
    options: InternalCallOptions,
  ): Promise<Answered> {
    const { planned, served } = answered;
    const { plan, features, request } = planned;
    const { runtime, controller, records } = journey;
    const policy = this.verifyOf(journey, planned);
    if (policy === undefined || plan.rule === undefined) return answered;
    const leftMs = plan.deadlineMs - (performance.now() - journey.startedAt);
    const { surface, workload } = received.circumstances;
    const verdict = await this.parts.checker.check({
      policy,
      request,
      questionText: features.questionText,
      answer: served.completion,
      model: served.planned.deployment.model.name,
      decisionId: journey.decisionId,
      models: new JourneyModelCaller(
        this.parts,
        {
          runtime,
          labels: journey.labels,
          signal: controller.signal,
          records,
          keep: (usd) => this.keep(journey, planned.budgets, usd),
        },
        surface,
        workload,
      ),
      signal: controller.signal,
      // As much again is left to whoever is asked next.
      leftMs: leftMs / 2,
    });
    if (hasLeft(controller)) throw new ClientClosedRequestError();
    if (verdict !== 'bad') {
      const passed = verdict === 'good' ? 'passed' : undefined;
      return { ...answered, verification: answered.verification ?? passed };
    }
    const failed: Answered = { ...answered, verification: 'failed' };
    const rule = harderRule(runtime.policy, plan.classification.class, plan.rule);
    const maxAttempts = plan.maxAttempts - (served.attempt - answered.callsBefore);
    if (rule === undefined || maxAttempts < 1) return failed;
    try {
      const named = { ...received, request: { ...request, model: rule.name } };
      const { plan: harder } = this.decide(runtime, named, plan.classification, options);
      const attempts = harder.attempts.filter(
        // It has said what it has to say.
        ({ deployment }) => deployment.model.name !== served.planned.deployment.model.name,
      );
      if (attempts.length === 0) return failed;
      const next: Planned = { ...planned, plan: { ...harder, attempts, maxAttempts } };
      // The money for this answer was kept; for another one there may be none.
      const kept = journey.reservation?.extend(this.mostCost(journey, next)) ?? true;
      if (!(kept instanceof Promise ? await kept : kept)) return failed;
      const execution = this.execution(journey, next);
      const callsBefore = records.length;
      const better: Answered = {
        planned: next,
        served: await this.parts.executor.chat({
          ...execution,
          labels: { ...execution.labels, afterAnswer: true },
          attemptsBefore: callsBefore,
        }),
        callsBefore,
        verification: 'escalated',
      };
      return this.verifyOf(journey, next) === undefined
        ? better
        : await this.verify(journey, received, better, options);
    } catch (error) {
      if (hasLeft(controller) || !LlmRouterError.isInstance(error)) throw error;
      // An answer that may not be good enough is better than none.
      return failed;
    }
  }

  /** Validates. @throws what refuses the request before anything is called, a spent budget among it. */
  private receive(journey: Journey, body: unknown, options: InternalCallOptions): Received {
    const request = validateChatRequest(body, journey.runtime.limits);
    const tenant = tenantKeyOf(options);
    const recalledTurns = this.parts.turns?.recall(tenant, request, Date.now()) ?? NO_TURNS;
    const circumstances = this.circumstances(journey.runtime, options);
    // Before a model is asked for the class, which costs as well.
    this.parts.budgets.refuseSpent(circumstances.budgets);
    const features = extractFeatures(request, thinkingTokensOf(recalledTurns));
    return { request, features, circumstances, recalledTurns, tenant };
  }

  /** A promise only where somebody has to be asked. Nobody is where the class decides nothing. */
  private classify(
    journey: Journey,
    { request, features, circumstances }: Received,
    options: InternalCallOptions,
  ): Classification | Promise<Classification> {
    const { runtime, decisionId, records, controller } = journey;
    const { classifier } = this.parts;
    const asked = classifiable(runtime, request, features, circumstances);
    const { surface, workload } = circumstances;
    // Nor for a request that will be refused.
    const isPaid = this.parts.budgets.findRefusal(circumstances.budgets) === undefined;
    if (!isPaid || !classDecides(runtime.policy, surface, request.model)) return classifier.preview(asked);
    const deadlineMs = deadlineOf(runtime.policy, circumstances, options);
    return classifier.classify(asked, {
      decisionId,
      models: () => {
        const labels = { ...journey.labels, surface: surface.name, workload };
        const keep = (usd: number): boolean | Promise<boolean> =>
          this.keep(journey, circumstances.budgets, usd);
        const calling = { runtime, labels, signal: controller.signal, records, keep };
        return new JourneyModelCaller(this.parts, calling, surface, workload);
      },
      signal: controller.signal,
      leftMs: () => deadlineMs - (performance.now() - journey.startedAt),
    });
  }

  /** Plans. @throws what refuses the request before any call of its own. */
  private plan(
    journey: Journey,
    received: Received,
    classification: Classification,
    options: InternalCallOptions,
  ): Planned {
    const { request, features, recalledTurns, tenant } = received;
    journey.callsBefore = journey.records.length;
    const { plan, observed } = this.decide(journey.runtime, received, classification, options);
    this.label(journey, plan);
    journey.observed = observed;
    checkPlan(plan, request, features);
    for (const deployment of findPassedOver(plan)) {
      this.parts.bus.emit('deployment-passed-over', { decisionId: journey.decisionId, deployment });
    }
    const mayOverlap = isRepeatable(plan, request, options);
    const hasShare = options.hasShare ?? false;
    const { budgets } = received.circumstances;
    return { request, features, plan, recalledTurns, tenant, mayOverlap, budgets, hasShare };
  }

  /**
   * Keeps what the request may cost of the budgets it is paid from. Gives something to wait for only where nothing is left
   * but what is kept for others.
   *
   * @throws {@link BudgetExceededError} where one is spent.
   */
  private fund(
    journey: Journey,
    { plan, features, mayOverlap, budgets }: Pick<Planned, 'plan' | 'features' | 'mayOverlap' | 'budgets'>,
    outputTokens?: number,
  ): Promise<void> | undefined {
    if (budgets.length === 0) return undefined;
    const { signal } = journey.controller;
    const most = this.mostCost(journey, { plan, features, mayOverlap }, outputTokens);
    const { reservation: before } = journey;
    // Of calls that were made to find out its class.
    const spentUsd = before === undefined ? 0 : totalCost(journey);
    const reserved = this.parts.budgets.reserve(
      budgets,
      most,
      { maxWaitMs: Math.min(plan.deadlineMs / 2, MAX_MONEY_WAIT_MS), signal },
      before && { reservation: before, spentUsd },
    );
    const take = (reservation: BudgetReservation): void => {
      journey.reservation = reservation;
      journey.countedUsd = spentUsd;
    };
    if (!(reserved instanceof Promise)) {
      take(reserved);
      return undefined;
    }
    return reserved.then((reservation) => {
      if (reservation !== undefined) take(reservation);
      // Who has left is told so by the execution.
      if (reservation !== undefined || signal.aborted) return;
      throw new OverloadedError('What is left of a budget is kept for requests under way.', 1_000);
    });
  }

  /** Keeps so much for a call beside the request's own. Nobody waits for that: it does without. */
  private keep(journey: Journey, budgets: readonly RequestBudget[], usd: number): boolean | Promise<boolean> {
    if (budgets.length === 0) return true;
    if (journey.reservation !== undefined) return journey.reservation.extend(usd);
    const conclude = (reservation: BudgetReservation | undefined): boolean => {
      if (reservation === undefined) return false;
      // It did not wait for that.
      if (journey.reservation !== undefined || !this.#open.has(journey)) {
        reservation.settle(0);
        return false;
      }
      journey.reservation = reservation;
      return true;
    };
    const kept = this.parts.budgets.reserveNow(budgets, usd);
    return kept instanceof Promise ? kept.then(conclude) : conclude(kept);
  }

  private mostCost(
    { runtime }: Journey,
    { plan, features, mayOverlap }: Pick<Planned, 'plan' | 'features' | 'mayOverlap'>,
    outputTokens?: number,
  ): number {
    const { hedge } = runtime.policy.execution;
    const copies =
      1 + Number(mayOverlap && hedge.enabled) + Number(plan.surface.onStreamFailure === 'continue');
    return mostCostOf(plan, features, copies, outputTokens);
  }

  /** What is known of the request once it is planned. */
  private label(journey: Journey, plan: Plan): void {
    journey.labels = {
      ...journey.labels,
      surface: plan.surface.name,
      workload: plan.workload,
      requestClass: plan.classification.class,
    };
  }

  private circumstances({ policy }: RoutingRuntime, options: InternalCallOptions): Circumstances {
    const context = mergeLlmContext(currentLlmContext(), options);
    checkCircumstances(context);
    const surface = tightenSurface(surfaceNamed(policy, context.surface, options.surfaceParam), context);
    return {
      surface,
      workload: context.workload ?? surface.workload,
      tenant: context.tenant,
      deadlineMs: context.deadlineMs,
      budgets: this.parts.budgets.budgetsOf(policy.budgets, {
        surface: surface.name,
        tenant: context.tenant,
        keyId: options.keyId,
      }),
    };
  }

  private decide(
    { policy }: RoutingRuntime,
    { request, features, circumstances }: Pick<Received, 'request' | 'features' | 'circumstances'>,
    classification: Classification,
    options: InternalCallOptions,
    candidatesPerTier?: number,
  ): Decision {
    const { surface, workload, deadlineMs, budgets } = circumstances;
    const spent = this.parts.budgets.findDowngrade(budgets);
    const nowMs = Date.now();
    const input: PlanInput = {
      features,
      classification,
      requestedModel: request.model,
      circumstances: {
        surface,
        workload,
        deadlineMs,
        deadlineLimitMs: options.deadlineLimitMs,
        downgradedBy: spent === undefined ? undefined : describeBudget(spent),
        cheapestFirst: options.cheapestFirst,
      },
      policy,
      signals: this.parts.signals,
      nowMs,
      random: this.parts.random,
      warm:
        features.inputTokens < MIN_CACHED_TOKENS
          ? undefined
          : this.#affinity.find(tenantKeyOf(options), request, nowMs),
      ...(candidatesPerTier === undefined ? {} : { candidatesPerTier }),
    };
    if (policy.observedBaseline === undefined || surface.pin !== undefined)
      return { plan: createPlan(input) };
    const plan = createPlan({ ...input, boundTo: policy.observedBaseline });
    return { plan, observed: observedPlan(input) };
  }

  private execution(
    journey: Journey,
    { plan, request, features, recalledTurns, mayOverlap, hasShare }: Planned,
  ): Execution {
    return {
      plan,
      request,
      recalledTurns,
      features,
      labels: journey.labels,
      settings: journey.runtime.policy.execution,
      signals: this.parts.signals,
      mayOverlap,
      hasShare,
      clients: journey.runtime.clients,
      signal: journey.controller.signal,
      startedAt: journey.startedAt,
      records: journey.records,
      attemptsBefore: journey.callsBefore,
    };
  }

  private routing(
    journey: Journey,
    plan: Plan,
    {
      planned: served,
      droppedFields,
      verification,
    }: Pick<ServedAnswer, 'planned' | 'droppedFields'> & Partial<Pick<Answered, 'verification'>>,
    costUsd: number | undefined,
    attempts = callsOf(journey),
  ): RoutingInfo {
    const routing: RoutingInfo = {
      decisionId: journey.decisionId,
      model: served.deployment.model.name,
      provider: served.deployment.provider,
      deployment: served.deployment.id,
      tier: served.tier,
      requestClass: plan.classification.class,
      score: plan.classification.score,
      classifiedBy: plan.classification.by,
      threshold: plan.classification.threshold,
      rule: plan.rule,
      verification,
      surface: plan.surface.name,
      droppedParameters: droppedFields,
      attempts,
      costUsd,
    };
    journey.tally?.onRouted(routing);
    return routing;
  }

  private async *passOn(
    journey: Journey,
    upstream: AsyncGenerator<ChatCompletionChunk, void, undefined>,
    planned: Planned,
    { planned: served, droppedFields }: Pick<ServedAnswer, 'planned' | 'droppedFields'>,
  ): AsyncGenerator<ChatCompletionChunk | undefined, void, undefined> {
    const { request, features } = planned;
    let collectors = this.parts.turns === undefined ? undefined : new TurnCollectors();
    const wantsUsage = request.stream_options?.include_usage === true;
    const progress = new ChoiceProgress(choicesOf(features, droppedFields));
    try {
      yield undefined;
      for await (const chunk of upstream) {
        progress.follow(chunk);
        collectors?.chunk(chunk);
        // Before the client has the end of it: its next request may come at once.
        if (collectors !== undefined && progress.isComplete) {
          this.remember(collectors, planned, served);
          collectors = undefined;
        }
        // Usage is always asked of the upstream, for the ledger; its extra chunk goes only to who asked for it.
        if (wantsUsage || chunk.choices.length > 0 || !chunk.usage) yield chunk;
      }
      this.keepWarm(journey, planned);
      journey.end('succeeded');
    } catch (error) {
      throw this.fail(journey, error);
    } finally {
      // Only a consumer that left gets here without an end; at the finish reason it has had the whole answer.
      await upstream.return();
      if (progress.isComplete) journey.end('succeeded');
      else journey.end('client_left', 'client_closed_request');
    }
  }

  /** Its next turn is cheaper where this one was served, as long as the provider keeps the prompt. */
  private keepWarm({ servedBy, records }: Journey, { tenant, request }: Planned): void {
    // The call that answered, and none that was made to check it.
    const record = records.findLast(
      ({ outcome, requestClass }) => outcome === 'succeeded' && requestClass !== CLASSIFICATION_CLASS,
    );
    // A stream that went on elsewhere ended elsewhere.
    if (record === undefined || record.deployment !== servedBy?.deployment.id) return;
    this.#affinity.remember(tenant, request, servedBy.deployment, record.usage, Date.now());
  }

  private remember(collectors: TurnCollectors, { tenant, request }: Planned, served: PlannedAttempt): void {
    for (const { said, turn } of collectors.results(served.deployment.provider)) {
      this.parts.turns?.remember(tenant, request, said, turn, Date.now());
    }
  }

  /** Ends the journey for an error and gives the one to throw. */
  private fail(journey: Journey, error: unknown): LlmRouterError {
    const known = LlmRouterError.isInstance(error) ? error : new InternalError();
    if (known !== error) this.parts.onFault(journey.decisionId, error);
    known.decisionId = journey.decisionId;
    journey.end(outcomeOf(known.code, journey), known.code);
    return known;
  }
}

/** The caller's fault, wherever it was found: neither the provider's nor ours. */
const CALLERS_FAULTS: ReadonlySet<LlmRouterErrorCode> = new Set<LlmRouterErrorCode>([
  'upstream_rejected',
  'content_filter',
  'context_length_exceeded',
  'request_too_large',
]);

function outcomeOf(code: LlmRouterErrorCode, journey: Journey): Outcome {
  if (code === 'client_closed_request') return 'client_left';
  if (code === 'enqueued_request_lost') return 'shed';
  const calls = journey.records.length - journey.callsBefore;
  if (code === 'overloaded') return calls === 0 ? 'shed' : 'failed';
  if (code === 'deadline_exceeded') return 'timed_out';
  if (CALLERS_FAULTS.has(code)) return 'rejected';
  return calls === 0 && code !== 'internal_error' ? 'rejected' : 'failed';
}

/**
 * Two copies at once do no harm: somebody waits for the answer, the provider keeps nothing of the request, and nobody has
 * said that it does something. Under a cap on its cost the first copy may use all of it.
 */
function isRepeatable(plan: Plan, request: ValidatedChatRequest, options: InternalCallOptions): boolean {
  return (
    plan.workload === 'interactive' &&
    plan.surface.mayHedge &&
    plan.maxCostUsd === undefined &&
    request.store !== true &&
    mergeLlmContext(currentLlmContext(), options).sideEffects !== true
  );
}

function describeBudget({ scope, name, per }: Budget): string {
  return `the budget of ${scope} ${name} for this ${per}`;
}

/** The longest that any of its attempts may stream. */
function longestStreamMs({ attempts, surface }: Plan): number {
  const longest = Math.max(...attempts.map(({ timeouts }) => timeouts.maxStreamMs));
  // Of one that is continued, each part may take so long.
  return Math.min(surface.onStreamFailure === 'continue' ? longest * 2 : longest, MAX_TIMER_MS);
}

function classifiable(
  { policy }: RoutingRuntime,
  request: ValidatedChatRequest,
  features: RequestFeatures,
  { surface, workload, tenant }: Circumstances,
): ClassifiableRequest {
  return {
    request,
    features,
    circumstances: { surface: surface.name, workload, tenant },
    policy: policy.classification,
    calibration: surface.calibration,
    servedClasses: policy.rulesForClass,
  };
}

/** Nobody waits for the answer any more. Where the shutdown ends the request, somebody does. */
function hasLeft({ signal }: AbortController): boolean {
  return signal.aborted && signal.reason !== SHUTDOWN;
}

/** Says who would answer if the answer were not good enough. */
function withVerifyNote(plan: Plan, request: ValidatedChatRequest, policy: PolicySnapshot): Plan {
  const rule = plan.rule === undefined ? undefined : policy.rules.get(plan.rule);
  if (rule?.verify === undefined || !classDecides(policy, plan.surface, request.model)) return plan;
  const next = harderRule(policy, plan.classification.class, rule.name);
  if (next === undefined) return plan;
  const note =
    request.stream === true
      ? 'a stream is not verified'
      : `the answer would be verified; the rule ${next.name} answers where it is not good enough`;
  return { ...plan, notes: [...plan.notes, note] };
}

/** As the plan will have it, but for models that think, which have longer. */
function deadlineOf(
  { execution }: PolicySnapshot,
  { workload, deadlineMs }: Circumstances,
  { deadlineLimitMs = Number.POSITIVE_INFINITY }: InternalCallOptions,
): number {
  const defaultMs = workload === 'background' ? LONG_DEADLINE_MS : INTERACTIVE_DEADLINE_MS;
  return Math.min(deadlineMs ?? execution.deadlineMs ?? defaultMs, deadlineLimitMs);
}

function thinkingTokensOf(turns: ReadonlyMap<number, RecalledTurn>): number {
  let tokens = 0;
  for (const { reasoningContent = '', reasoningDetails = [] } of turns.values()) {
    const details = reasoningDetails.length === 0 ? 0 : estimateTokens(JSON.stringify(reasoningDetails));
    tokens += Math.max(estimateTokens(reasoningContent), details);
  }
  return tokens;
}

/** What routing would do. The baseline answers whatever it would have refused. */
function observedPlan(input: PlanInput): ObservedPlan {
  try {
    return createPlan(input);
  } catch (error) {
    if (!LlmRouterError.isInstance(error)) throw error;
    return 'refused';
  }
}

/** Only what was answered has tokens to reckon with. */
function observedIn(
  { observed, records }: Journey,
  outcome: Outcome,
): { readonly observed: ObservedDecision } | undefined {
  const answer = records.findLast(
    (record) => record.outcome === 'succeeded' && record.requestClass !== CLASSIFICATION_CLASS,
  );
  if (observed === undefined || answer === undefined || outcome !== 'succeeded') return undefined;
  const [first] = observed === 'refused' ? [] : observed.attempts;
  const price = first?.deployment.price;
  return {
    observed: {
      choice:
        first === undefined
          ? undefined
          : {
              deployment: first.deployment.id,
              model: first.deployment.model.name,
              provider: first.deployment.provider,
              tier: first.tier,
            },
      rule: observed === 'refused' ? undefined : observed.rule,
      answerCostUsd: answer.costUsd,
      costUsd: price === undefined ? undefined : costOfUsage(answer.usage, price),
    },
  };
}

/** With those of the tries before. */
function callsOf({ records, tries }: Journey): number {
  return (tries?.attempts ?? 0) + records.length;
}

/** With that of the tries before. */
function costOf(journey: Journey): number {
  return (journey.tries?.costUsd ?? 0) + totalCost(journey);
}

/** Of this try alone. */
function totalCost(journey: Journey): number {
  return journey.records.reduce((sum, record) => sum + record.costUsd, 0);
}

function withStream(body: unknown, stream: boolean): unknown {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return isObject ? { ...body, stream } : body;
}

function checkCircumstances(context: LlmRequestContext): void {
  const [fault] = findContextFaults(context, KEYS_BESIDE_CONTEXT);
  if (fault === undefined) return;
  const end = fault.message.endsWith('?') || fault.message.endsWith('.') ? '' : '.';
  throw new InvalidRequestError(`\`${fault.key}\` ${fault.message}${end}`, fault.key);
}

function surfaceNamed(policy: PolicySnapshot, name: string | undefined, param = 'surface'): PolicySurface {
  if (name === undefined) return policy.defaultSurface;
  const surface = policy.surfaces.get(name);
  if (surface === undefined) {
    throw new InvalidRequestError(
      `\`${param}\` names no configured surface.${didYouMean(name.slice(0, 64), policy.surfaces.keys())}`,
      param,
    );
  }
  return surface;
}

/** @throws what refuses the request before any call. */
function checkPlan(plan: Plan, request: ValidatedChatRequest, features: RequestFeatures): void {
  if (plan.attempts.length === 0) throw nothingEligible(plan, features);
  if (plan.maxCostUsd === undefined || CAPPED_SERVICE_TIERS.has(request.service_tier)) return;
  throw new InvalidRequestError(
    '`service_tier` may cost more than list price, and this surface caps the cost of a request.',
    'service_tier',
  );
}

function nothingEligible(plan: Plan, features: RequestFeatures): LlmRouterError {
  // Whatever failed on its window had passed every floor before: it is the size that stands in the way.
  const tooLong = plan.rejected
    .filter((candidate) => candidate.reason === 'context_window')
    .toSorted(
      (first, second) => (second.deployment.contextWindow ?? 0) - (first.deployment.contextWindow ?? 0),
    );
  const [widest] = tooLong;
  if (widest !== undefined) {
    return new ContextLengthExceededError(
      `The request is too long for every model that may serve it. The widest, ${widest.deployment.model.name}: ${widest.detail}.`,
    );
  }
  const [first] = plan.rejected;
  if (first !== undefined && plan.rejected.every((candidate) => candidate.reason === 'parameter')) {
    const { unsupportedParameters } = first.deployment;
    const missing = features.parameters.find((name) => unsupportedParameters.has(name));
    const field = missing === undefined ? undefined : fieldOfParameter(missing);
    return new InvalidRequestError(
      `\`${field ?? 'A field'}\` is not supported by any model that may serve this request.`,
      field,
    );
  }
  return new NoEligibleModelError(
    plan.rejected.map(({ deployment, reason, detail }) => ({
      model: deployment.model.name,
      provider: deployment.provider,
      reason,
      detail,
    })),
  );
}
