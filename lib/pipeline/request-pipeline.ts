import {
  type ChatCompletion,
  type ChatCompletionChunk,
  type EmbeddingResponse,
  estimateTokens,
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
  type ModelCaller,
  type RequestClassifier,
  type RequestFeatures,
} from '../classification/index.js';
import { currentLlmContext, mergeLlmContext, type Workload } from '../context/index.js';
import type { BudgetLedger } from '../cost/index.js';
import { InternalError } from '../errors/internal-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
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
  type ExplainableFeatures,
  explainPlan,
  type Explanation,
  findPassedOver,
  INTERACTIVE_DEADLINE_MS,
  LONG_DEADLINE_MS,
  NO_SURFACE,
  type Plan,
  type PlannedAttempt,
  type PolicyDeployment,
  type PolicySnapshot,
  type SignalsSnapshot,
} from '../planning/index.js';
import type { AnsweredRequest, RequestObservers } from '../observability/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import type { TelemetryBus } from '../telemetry/index.js';
import { Admission } from './admission.js';
import { AnswerVerification, withVerifyNote } from './answer-verification.js';
import { type InternalCallOptions } from './call-options.js';
import { currentCallTally } from './call-tally.js';
import { createDecisionId } from './decision-id.js';
import { embeddingAnswer } from './embedding-answer.js';
import { callsOf, costOf, type Journey, totalCost } from './journey.js';
import { JourneyModelCaller } from './journey-model-caller.js';
import { labelsOf, outcomeOf, recordOf } from './journey-record.js';
import type { Answered, Circumstances, Decision, Planned, Received } from './journey-stages.js';
import { checkPlan, nothingEligible } from './plan-faults.js';
import { PromptAffinity } from './prompt-affinity.js';
import { RequestFunding } from './request-funding.js';
import { describeBudget, RequestPlanner } from './request-planner.js';
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
  readonly observers: RequestObservers;
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

/** How long a stream that was ended by the shutdown has to tell its reader so. */
const LAST_WORDS_MS = 1_000;
/** A longer name is no label of a request that was refused. */
const MAX_TENANT_LENGTH = 256;
/** Node takes a longer one for 1 ms. */
const MAX_TIMER_MS = 2_147_000_000;

const NO_TURNS: ReadonlyMap<number, never> = new Map<number, never>();

/** validate → context → classify → plan → execute → record: the only orchestration there is. */
export class RequestPipeline {
  readonly #admission = new Admission();
  readonly #open = new Set<Journey>();
  readonly #affinity = new PromptAffinity();
  readonly #planner: RequestPlanner;
  readonly #funding: RequestFunding;
  readonly #verification: AnswerVerification;

  constructor(private readonly parts: PipelineParts) {
    const { signals, budgets, random, checker, executor } = parts;
    this.#planner = new RequestPlanner({ signals, budgets, random, affinity: this.#affinity });
    this.#funding = new RequestFunding(budgets, (journey) => this.#open.has(journey));
    this.#verification = new AnswerVerification({
      checker,
      executor,
      planner: this.#planner,
      funding: this.#funding,
      execution: (journey, planned) => this.execution(journey, planned),
      tellEscalation: (journey, { plan, features, request }) => {
        this.tellPlan(journey, { plan }, features, request.model, request, true);
      },
      modelCaller: (journey, circumstances) => this.modelCaller(journey, circumstances),
    });
  }

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
      const funding = this.#funding.fund(journey, planned);
      if (funding !== undefined) await funding;
      const execution = this.execution(journey, planned);
      const first: Answered = {
        planned,
        served: await this.parts.executor.chat(execution),
        callsBefore: journey.callsBefore,
        verification: undefined,
      };
      const isVerified = this.#verification.verifyOf(journey, planned) !== undefined;
      const answered = isVerified
        ? await this.#verification.verify(journey, received, first, options)
        : first;
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
      this.parts.observers.onAnswer(answeredRequest(journey, planned, attempt), completion);
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
      const { surface, workload, deadlineMs, budgets } = this.circumstances(journey, options);
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
      this.tellPlan(journey, { plan }, features, request.model, undefined);
      if (plan.attempts.length === 0) throw nothingEligible(plan, features);
      const funding = this.#funding.fund(journey, { plan, features, mayOverlap: false, budgets }, 0);
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
      const funding = this.#funding.fund(journey, planned);
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
    const circumstances = this.#planner.circumstances(runtime, options);
    const received = { request, features, circumstances };
    const classification = this.parts.classifier.preview(
      classifiable(runtime, request, features, circumstances),
    );
    return {
      received,
      ...this.#planner.decide(runtime, received, classification, options, candidatesPerTier),
    };
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
        workload: isWorkload(context.workload) ? context.workload : (surface?.workload ?? 'interactive'),
        requestClass: 'none',
        streamed,
        // Bounded where it is counted.
        ...(typeof context.tenant === 'string' && context.tenant.length <= MAX_TENANT_LENGTH
          ? { tenant: context.tenant }
          : {}),
      },
      isDeadlineOfClient: false,
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
        journey.reservation?.settle(totalCost(journey) - journey.countedUsd);
        const record = recordOf(journey, outcome, errorCode);
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
    if (tries === undefined || tries.isFirst) {
      this.parts.bus.emit('request-started', { ...journey.labels, startedAtMs: journey.startedAtMs });
    }
    return journey;
  }

  /** Validates. @throws what refuses the request before anything is called, a spent budget among it. */
  private receive(journey: Journey, body: unknown, options: InternalCallOptions): Received {
    const request = validateChatRequest(body, journey.runtime.limits);
    const tenant = tenantKeyOf(options);
    const recalledTurns = this.parts.turns?.recall(tenant, request, Date.now()) ?? NO_TURNS;
    const circumstances = this.circumstances(journey, options);
    // Before a model is asked for the class, which costs as well.
    this.parts.budgets.refuseSpent(circumstances.budgets);
    const features = extractFeatures(request, thinkingTokensOf(recalledTurns));
    return { request, features, circumstances, recalledTurns, tenant };
  }

  private circumstances(journey: Journey, options: InternalCallOptions): Circumstances {
    const circumstances = this.#planner.circumstances(journey.runtime, options);
    const { tenant } = circumstances;
    if (tenant !== undefined) journey.labels = { ...journey.labels, tenant };
    return circumstances;
  }

  /** A promise only where somebody has to be asked. Nobody is where the class decides nothing. */
  private classify(
    journey: Journey,
    { request, features, circumstances }: Received,
    options: InternalCallOptions,
  ): Classification | Promise<Classification> {
    const { runtime, decisionId, controller } = journey;
    const { classifier } = this.parts;
    const asked = classifiable(runtime, request, features, circumstances);
    const { surface } = circumstances;
    // Nor for a request that will be refused.
    const isPaid = this.parts.budgets.findRefusal(circumstances.budgets) === undefined;
    if (!isPaid || !classDecides(runtime.policy, surface, request.model)) return classifier.preview(asked);
    const deadlineMs = deadlineOf(runtime.policy, circumstances, options);
    return classifier.classify(asked, {
      decisionId,
      models: () => this.modelCaller(journey, circumstances),
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
    const { plan, observed } = this.#planner.decide(journey.runtime, received, classification, options);
    this.label(journey, plan);
    journey.observed = observed;
    this.tellPlan(journey, { plan, observed }, features, request.model, request);
    checkPlan(plan, request, features);
    for (const deployment of findPassedOver(plan)) {
      this.parts.bus.emit('deployment-passed-over', { decisionId: journey.decisionId, deployment });
    }
    const mayOverlap = isRepeatable(plan, request, options);
    const hasShare = options.hasShare ?? false;
    const { budgets } = received.circumstances;
    return { request, features, plan, recalledTurns, tenant, mayOverlap, budgets, hasShare };
  }

  /** Asks models on the request's behalf, at its cost and under the limits of its surface. */
  private modelCaller(journey: Journey, { surface, workload, budgets }: Circumstances): ModelCaller {
    const { runtime, controller, records } = journey;
    const labels = { ...journey.labels, surface: surface.name, workload };
    const keep = (usd: number): boolean | Promise<boolean> => this.#funding.keep(journey, budgets, usd);
    const calling = { runtime, labels, signal: controller.signal, records, keep };
    return new JourneyModelCaller(this.parts, calling, surface, workload);
  }

  private tellPlan(
    { labels, runtime: { policy } }: Journey,
    { plan, observed }: Decision,
    features: ExplainableFeatures,
    wish: string | undefined,
    request: ValidatedChatRequest | undefined,
    isEscalation = false,
  ): void {
    const { inputTokens, requestedOutputTokens, streamed, capabilities, parameters, ...counts } = features;
    const { messageCount, toolCount } = counts;
    const planned = {
      labels,
      plan,
      observed,
      // Without the text of the prompt, which nobody is to keep.
      features: {
        inputTokens,
        requestedOutputTokens,
        streamed,
        capabilities,
        parameters,
        messageCount,
        toolCount,
      },
      // Only names that are known may be shown.
      requestedModel:
        wish !== undefined && (policy.modelNames.has(wish) || policy.rules.has(wish)) ? wish : undefined,
      policyHash: policy.hash,
      ...(isEscalation ? { isEscalation } : {}),
    };
    this.parts.observers.onPlanned(planned, request);
  }

  /** What is known of the request once it is planned. */
  private label(journey: Journey, plan: Plan): void {
    journey.isDeadlineOfClient = plan.isDeadlineOfClient;
    journey.labels = {
      ...journey.labels,
      surface: plan.surface.name,
      workload: plan.workload,
      requestClass: plan.classification.class,
    };
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
    const follower = this.parts.observers.followStream(answeredRequest(journey, planned, served));
    const wantsUsage = request.stream_options?.include_usage === true;
    const progress = new ChoiceProgress(choicesOf(features, droppedFields));
    try {
      yield undefined;
      for await (const chunk of upstream) {
        progress.follow(chunk);
        follower?.onChunk(chunk);
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
      follower?.onEnd(progress.isComplete);
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

function answeredRequest(
  { labels }: Journey,
  { request, tenant: owner }: Planned,
  served: PlannedAttempt,
): AnsweredRequest {
  return { labels, owner, served: labelsOf(served), request };
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

/** The longest that any of its attempts may stream. */
function longestStreamMs({ attempts, surface }: Plan): number {
  const longest = Math.max(...attempts.map(({ timeouts }) => timeouts.maxStreamMs));
  // Of one that is continued, each part may take so long.
  return Math.min(surface.onStreamFailure === 'continue' ? longest * 2 : longest, MAX_TIMER_MS);
}

function thinkingTokensOf(turns: ReadonlyMap<number, RecalledTurn>): number {
  let tokens = 0;
  for (const { reasoningContent = '', reasoningDetails = [] } of turns.values()) {
    const details = reasoningDetails.length === 0 ? 0 : estimateTokens(JSON.stringify(reasoningDetails));
    tokens += Math.max(estimateTokens(reasoningContent), details);
  }
  return tokens;
}

/** Of what a caller in plain JavaScript gave, too: a wrong value is refused later, and is no label. */
function isWorkload(value: unknown): value is Workload {
  return value === 'interactive' || value === 'background';
}

function withStream(body: unknown, stream: boolean): unknown {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return isObject ? { ...body, stream } : body;
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

/** As the plan will have it, but for models that think, which have longer. */
function deadlineOf(
  { execution }: PolicySnapshot,
  { workload, deadlineMs }: Circumstances,
  { deadlineLimitMs = Number.POSITIVE_INFINITY }: InternalCallOptions,
): number {
  const defaultMs = workload === 'background' ? LONG_DEADLINE_MS : INTERACTIVE_DEADLINE_MS;
  return Math.min(deadlineMs ?? execution.deadlineMs ?? defaultMs, deadlineLimitMs);
}
