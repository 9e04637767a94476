import { validateChatRequest, validateEmbeddingRequest } from '../chat/index.js';
import {
  extractEmbeddingFeatures,
  extractFeatures,
  type ModelCaller,
  type ModelQuestion,
  NoEligibleDeployment,
  type RequestFeatures,
} from '../classification/index.js';
import type { Workload } from '../context/index.js';
import { InternalError } from '../errors/internal-error.js';
import type { Execution, PlanExecutor } from '../execution/index.js';
import {
  CLASSIFICATION_CLASS,
  createEmbeddingPlan,
  createPlan,
  type Plan,
  type PlanCircumstances,
  type PolicySurface,
  type SignalsSnapshot,
} from '../planning/index.js';
import type { AttemptRecord, RequestLabels } from '../telemetry/index.js';
import { embeddingAnswer } from './embedding-answer.js';
import { mostCostOf } from './most-cost.js';
import type { RoutingRuntime } from './routing-runtime.js';

/** A second deployment of the model, if there is one; there is no time for more. */
const MAX_ATTEMPTS = 2;

const NO_TURNS: ReadonlyMap<number, never> = new Map<number, never>();

export interface ModelCallerParts {
  readonly executor: PlanExecutor;
  readonly signals: SignalsSnapshot;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The request on whose behalf models are called. */
export interface CallingJourney {
  readonly runtime: RoutingRuntime;
  readonly labels: RequestLabels;
  readonly signal: AbortSignal;
  /** Its calls, these among them: so its cost is the cost of all. */
  readonly records: AttemptRecord[];
  /** Keeps so much of its budgets for a call. False: there is nothing left, so it has to do without. */
  readonly keep: (usd: number) => boolean | Promise<boolean>;
}

/** Calls of models that a request's classification needs: carried out like its own, and in its records. */
export class JourneyModelCaller implements ModelCaller {
  constructor(
    private readonly parts: ModelCallerParts,
    private readonly journey: CallingJourney,
    private readonly surface: PolicySurface,
    private readonly workload: Workload,
  ) {}

  async embed(
    model: string,
    texts: readonly string[],
    deadlineMs: number,
  ): Promise<readonly (readonly number[])[]> {
    const { runtime } = this.journey;
    const request = validateEmbeddingRequest({ model, input: texts }, runtime.limits);
    const features = extractEmbeddingFeatures(request);
    const plan = createEmbeddingPlan({
      features,
      requestedModel: model,
      circumstances: this.circumstances(deadlineMs, this.surface),
      ...this.state(),
    });
    const execution = this.execution(plan);
    await this.keep(plan, features, 0);
    const { embeddings, usage } = await this.parts.executor.embed({
      ...execution,
      request,
      features,
    });
    return vectorsOf(embeddingAnswer(embeddings, usage, request).data);
  }

  async ask(
    model: string,
    { instruction, text, maxOutputTokens }: ModelQuestion,
    deadlineMs: number,
  ): Promise<string> {
    const { runtime } = this.journey;
    const request = validateChatRequest(
      {
        model: 'auto',
        max_completion_tokens: maxOutputTokens,
        messages: [
          { role: 'system', content: instruction },
          { role: 'user', content: text },
        ],
      },
      runtime.limits,
    );
    const features = extractFeatures(request);
    const plan = createPlan({
      features,
      classification: { class: CLASSIFICATION_CLASS, score: 0 },
      requestedModel: 'auto',
      circumstances: this.circumstances(deadlineMs, this.servedBy(model)),
      ...this.state(),
    });
    const execution = this.execution(plan);
    await this.keep(plan, features);
    const { completion } = await this.parts.executor.chat({
      ...execution,
      request,
      features,
      recalledTurns: NO_TURNS,
    });
    return completion.choices[0]?.message.content ?? '';
  }

  /** @throws {@link NoEligibleDeployment} where the request's budgets have nothing left for it. */
  private async keep(plan: Plan, features: RequestFeatures, outputTokens?: number): Promise<void> {
    const kept = await this.journey.keep(mostCostOf(plan, features, 1, outputTokens));
    if (!kept) throw new NoEligibleDeployment();
  }

  /** What is told to a model is under the surface's limits; how good its answer must be is not. */
  private servedBy(model: string): PolicySurface {
    const pin = this.journey.runtime.policy.models.get(model);
    if (pin === undefined) throw new InternalError();
    return {
      ...this.surface,
      pin,
      qualityFloor: undefined,
      safetyFloor: undefined,
      maxOutputTokens: undefined,
    };
  }

  private circumstances(deadlineMs: number, surface: PolicySurface): PlanCircumstances {
    return { surface, workload: this.workload, deadlineMs, deadlineLimitMs: undefined };
  }

  private state(): Pick<Parameters<typeof createPlan>[0], 'policy' | 'signals' | 'nowMs' | 'random'> {
    const { policy } = this.journey.runtime;
    return { policy, signals: this.parts.signals, nowMs: Date.now(), random: this.parts.random };
  }

  private execution(plan: Plan): Omit<Execution, 'request' | 'features' | 'recalledTurns'> {
    const { runtime, labels, signal, records } = this.journey;
    if (plan.attempts.length === 0) throw new NoEligibleDeployment();
    return {
      plan: { ...plan, maxAttempts: Math.min(plan.maxAttempts, MAX_ATTEMPTS) },
      labels: { ...labels, requestClass: CLASSIFICATION_CLASS, streamed: false },
      settings: runtime.policy.execution,
      signals: this.parts.signals,
      mayOverlap: false,
      clients: runtime.clients,
      signal,
      startedAt: performance.now(),
      records,
      attemptsBefore: records.length,
    };
  }
}

/** Asked for as numbers, they are no base64. */
export function vectorsOf(
  data: readonly { readonly embedding: readonly number[] | string }[],
): readonly (readonly number[])[] {
  return data.map(({ embedding }) => {
    if (typeof embedding === 'string') throw new InternalError();
    return embedding;
  });
}
