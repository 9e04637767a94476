import { fieldOfParameter } from '../catalog/index.js';
import type { Classification, RequestFeatures } from '../classification/index.js';
import type { Workload } from '../context/index.js';
import { affordableOutputTokens, cappedOutputTokens } from '../cost/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { ModelNotFoundError } from '../errors/model-not-found-error.js';
import { findRequestRejection } from './eligibility/find-rejection.js';
import { severityOf } from './deferral.js';
import type { Demand } from './demand.js';
import { expectedCostUsd, type ExpectedUsage } from './expected-cost.js';
import { findCheapest } from './find-cheapest.js';
import { findMoveOn } from './find-move-on.js';
import { findSecondCopy } from './find-second-copy.js';
import { shortestTimeouts } from './own-timeouts.js';
import type { AttemptTimeouts, Plan, PlannedAttempt, RejectedCandidate } from './plan.js';
import type {
  OwnTimeouts,
  PolicyDeployment,
  PolicyExecution,
  PolicyModel,
  PolicyRule,
  PolicySnapshot,
  PolicySurface,
  PolicyTier,
} from './policy-snapshot.js';
import { presetAt } from './peak-hours.js';
import { promptOf } from './prompt-of.js';
import { qualityUnderRule } from './quality-under-rule.js';
import { rankTier } from './rank-tier.js';
import { type Ranking, rankingFor } from './ranking-for.js';
import type { RankingPreset } from './ranking-preset.js';
import { PRESET_WEIGHTS } from './ranking-weights.js';
import { scoreText } from './score-text.js';
import type { WarmPrompt } from './score-candidate.js';
import type { SignalsSnapshot } from './signals-snapshot.js';
import { PlanSource } from './static-pass.js';
import { isWithin } from './tier-bounds.js';

export const INTERACTIVE_DEADLINE_MS = 60_000;
export const LONG_DEADLINE_MS = 600_000;
/** The `latencySloMs` of interactive work that names none. */
export const INTERACTIVE_SLO_MS = 2_000;
const FIRST_TOKEN_MS = 15_000;
const REASONING_FIRST_TOKEN_MS = 120_000;
const BOUND_TARGET_LATENCY_MS = 10_000;
/** Where nothing is known of how long answers are. */
const ASSUMED_OUTPUT_TOKENS = 256;
/** More of one tier are never called for one request; the others are near enough to those to stand for them. */
const CANDIDATES_PER_TIER = 8;
/** Calls for one request whose prompt is long. */
const LONG_PROMPT_ATTEMPTS = 2;

/** What is enqueued goes by, whatever else is configured. */
const CHEAPEST: Ranking = { preset: 'cheapest', weights: PRESET_WEIGHTS.cheapest };

/** What the caller says of the request beside its body. */
export interface PlanCircumstances {
  readonly surface: PolicySurface;
  readonly workload: Workload;
  /** Wall clock the application gives, in milliseconds, instead of the default. */
  readonly deadlineMs: number | undefined;
  /** Wall clock a client allows: it can only shorten. */
  readonly deadlineLimitMs: number | undefined;
  /** A budget that is spent, in words: only the cheapest that may serve does. Absent: none is. */
  readonly downgradedBy?: string | undefined;
  /** Nobody waits for it: whatever the tier, the cheapest is tried first. @defaultValue false */
  readonly cheapestFirst?: boolean | undefined;
}

export interface PlanInput {
  readonly features: RequestFeatures;
  readonly classification: Classification;
  /** The request's `model`: `auto`, a rule's name or a model's. */
  readonly requestedModel: string;
  readonly circumstances: PlanCircumstances;
  readonly policy: PolicySnapshot;
  readonly signals: SignalsSnapshot;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Whose prompt cache is warm for this conversation; absent: nobody's, as far as is known. */
  readonly warm?: WarmPrompt | undefined;
  /** The only model that may serve, whatever the rules say; absent: they decide. */
  readonly boundTo?: PolicyModel | undefined;
  /** Candidates planned of each tier, at most; the best are. Absent: enough for every retry. */
  readonly candidatesPerTier?: number;
}

/** A source of its own for each model that binds or is pinned. */
const ALONE = new WeakMap<PolicyModel, PlanSource>();

function alone(model: PolicyModel): PlanSource {
  let source = ALONE.get(model);
  if (source === undefined) {
    source = new PlanSource(undefined, [
      {
        tier: 'primary',
        targetLatencyMs: BOUND_TARGET_LATENCY_MS,
        isTargetExplicit: false,
        timeouts: {},
        models: [model],
      },
    ]);
    ALONE.set(model, source);
  }
  return source;
}

/** A rule is its own source. */
const OF_RULE = new WeakMap<PolicyRule, PlanSource>();

function sourceOf(rule: PolicyRule): PlanSource {
  let source = OF_RULE.get(rule);
  if (source === undefined) {
    source = new PlanSource(rule, rule.tiers);
    OF_RULE.set(rule, source);
  }
  return source;
}

const OF_RULES = new WeakMap<readonly PolicyRule[], readonly PlanSource[]>();

function sourcesOf(rules: readonly PolicyRule[]): readonly PlanSource[] {
  let sources = OF_RULES.get(rules);
  if (sources === undefined) {
    sources = rules.map(sourceOf);
    OF_RULES.set(rules, sources);
  }
  return sources;
}

export function isBinding(policy: PolicySnapshot, requested: string, canonical: string): boolean {
  if (policy.clientModel === 'binding' || policy.bindingNames.has(requested)) return true;
  return policy.models.get(canonical)?.substitutable === false;
}

function sourcesFor(input: PlanInput, notes: string[]): readonly PlanSource[] {
  const { policy, requestedModel, classification, circumstances } = input;
  const named = requestedModel === 'auto' ? undefined : policy.rules.get(requestedModel);
  const canonical = policy.modelNames.get(requestedModel);
  if (requestedModel !== 'auto' && named === undefined && canonical === undefined) {
    throw new ModelNotFoundError();
  }
  if (named === undefined && policy.embeddingNames.has(requestedModel)) {
    // Not a wish that another model could grant.
    throw new InvalidRequestError('This `model` makes embeddings and answers no chat.', 'model');
  }
  const pin = circumstances.surface.pin;
  if (pin !== undefined) {
    notes.push(`surface ${circumstances.surface.name} is pinned to ${pin.name}`);
    return [alone(pin)];
  }
  const isBound =
    named === undefined &&
    requestedModel !== 'auto' &&
    canonical !== undefined &&
    isBinding(policy, requestedModel, canonical);
  // What binds is no matter of routing, observed or not.
  if (input.boundTo !== undefined && !isBound) {
    notes.push(`routing is observed only: the baseline ${input.boundTo.name} answers`);
    return [alone(input.boundTo)];
  }
  if (named !== undefined) {
    notes.push(`the client named the rule ${named.name}`);
    return [sourceOf(named)];
  }
  if (requestedModel !== 'auto' && canonical !== undefined) {
    if (isBound) {
      const model = policy.models.get(canonical);
      if (model === undefined) throw new ModelNotFoundError();
      notes.push(`the client's model ${canonical} binds`);
      return [alone(model)];
    }
    notes.push(`the client's model ${canonical} is a wish; the rules decide`);
  }
  notes.push(`class ${classification.class} (score ${scoreText(classification.score)})`);
  const rules = policy.rulesForClass.get(classification.class);
  return rules === undefined ? [] : sourcesOf(rules);
}

function thinks(model: PolicyModel, features: RequestFeatures): boolean {
  return model.thinking === 'always' || (model.thinking === 'on_request' && features.asksThinking);
}

/** Of two that may say nothing. */
function smaller(first: number | undefined, second: number | undefined): number | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return Math.min(first, second);
}

/**
 * Decides what will be tried, in order. Pure: the same input gives the same plan; live traffic, `explain` and the
 * replay of a recorded day call this one function.
 *
 * @throws {@link ModelNotFoundError} when the client names what nobody knows; {@link InvalidRequestError} when it names
 * a model that answers no chat, or where unsupported parameters are refused.
 */
export function createPlan(input: PlanInput): Plan {
  const { features, policy, circumstances } = input;
  const { surface, workload } = circumstances;
  const notes: string[] = [];
  if (circumstances.downgradedBy !== undefined) {
    notes.push(`${circumstances.downgradedBy} is spent: the cheapest that may serve does`);
  }
  const rejected: RejectedCandidate[] = [];
  const outputTokens = smaller(features.requestedOutputTokens, surface.maxOutputTokens);
  const sloMs = surface.latencySloMs ?? (workload === 'interactive' ? INTERACTIVE_SLO_MS : undefined);

  let rule: PolicyRule | undefined;
  let ranking: Ranking | undefined;
  let attempts: readonly PlannedAttempt[] = [];
  let beyond = 0;
  for (const source of sourcesFor(input, notes)) {
    const demand: Demand = {
      features,
      surface,
      rule: source.rule,
      outputTokens,
      dropsParameters: policy.unsupportedParameters === 'drop',
    };
    if (policy.unsupportedParameters === 'refuse') refuseUnsupported(input, source, demand, sloMs);
    const found = planTiers(input, source, demand, sloMs, rejected);
    rule = source.rule;
    ranking = found.ranking;
    if (found.attempts.length > 0) {
      ({ attempts, beyond } = found);
      break;
    }
    if (source.rule !== undefined) notes.push(`the rule ${source.rule.name} has no eligible model`);
  }
  if (rule !== undefined && attempts.length > 0) notes.push(`served under the rule ${rule.name}`);

  const mayThink = attempts.some((attempt) => thinks(attempt.deployment.model, features));
  const defaultDeadlineMs =
    workload === 'background' || mayThink ? LONG_DEADLINE_MS : INTERACTIVE_DEADLINE_MS;
  const deadlineMs = circumstances.deadlineMs ?? policy.execution.deadlineMs ?? defaultDeadlineMs;
  return {
    classification: input.classification,
    rule: rule?.name,
    notes,
    surface,
    workload,
    attempts,
    ranking: ranking ?? rankingFor(undefined, surface, policy, presetOfHour(input)),
    beyond,
    rejected,
    deadlineMs: Math.min(deadlineMs, circumstances.deadlineLimitMs ?? Number.POSITIVE_INFINITY),
    isDeadlineOfClient: (circumstances.deadlineLimitMs ?? Number.POSITIVE_INFINITY) < deadlineMs,
    maxAttempts: maxAttemptsOf(policy.execution, features.inputTokens),
    maxCostUsd: surface.maxCostPerRequest,
  };
}

/** @throws {@link InvalidRequestError} where whom the request would go to cannot do what it asks for. */
function refuseUnsupported(
  input: PlanInput,
  source: PlanSource,
  demand: Demand,
  sloMs: number | undefined,
): void {
  const { attempts: candidates } = planTiers(input, source, { ...demand, dropsParameters: true }, sloMs, []);
  const [first] = candidates;
  // Of equals chance decides who is first: it must not decide this.
  const equals = candidates.filter(
    ({ tier, deferral }) => tier === first?.tier && deferral?.kind === first.deferral?.kind,
  );
  const lacks = ({ deployment }: PlannedAttempt): boolean =>
    demand.features.parameters.some((name) => deployment.unsupportedParameters.has(name));
  if (first === undefined || !equals.every(lacks)) return;
  const missing = demand.features.parameters.find((name) => first.deployment.unsupportedParameters.has(name));
  if (missing === undefined) return;
  throw new InvalidRequestError(
    `\`${fieldOfParameter(missing)}\` is not supported by ${first.deployment.model.name}, which this request would go to.`,
    fieldOfParameter(missing),
  );
}

const NONE: readonly PolicyDeployment[] = [];

type Draft = { -readonly [Name in keyof PlannedAttempt]: PlannedAttempt[Name] };

interface PlannedTiers {
  readonly attempts: readonly PlannedAttempt[];
  readonly beyond: number;
  readonly ranking: Ranking;
}

/** @param rejected - Takes those that are left out. */
function planTiers(
  input: PlanInput,
  source: PlanSource,
  asked: Demand,
  sloMs: number | undefined,
  rejected: RejectedCandidate[],
): PlannedTiers {
  const { features, policy, signals, nowMs, random, candidatesPerTier = CANDIDATES_PER_TIER } = input;
  const { downgradedBy, cheapestFirst: isCheapestFirst = false } = input.circumstances;
  const { rule } = source;
  const pass = source.passFor(asked.surface);
  for (const one of pass.rejected) rejected.push(one);
  const ranking = isCheapestFirst ? CHEAPEST : rankingFor(rule, asked.surface, policy, presetOfHour(input));
  const usage = expectedUsage(input, asked);
  const demand: Demand =
    downgradedBy === undefined ? asked : { ...asked, cheapest: findCheapest(pass, asked, usage) };
  const attempts: Draft[] = [];
  let beyond = 0;
  let isOneDeferred = false;
  let trials: readonly PolicyDeployment[] = NONE;
  for (const { tier, standing } of pass.tiers) {
    const { deployments: candidates, bounds } = standing;
    const eligible =
      bounds !== undefined && isWithin(bounds, demand)
        ? candidates
        : candidates.filter((deployment) => {
            const rejection = findRequestRejection(deployment, demand);
            if (rejection === undefined) return true;
            rejected.push({ deployment, tier: tier.tier, rule: rule?.name, ...rejection });
            return false;
          });
    if (eligible.length === 0) continue;
    // What the surface and the rule promise holds in every tier; the tier's own target is the cascade's pace.
    const targetLatencyMs =
      smaller(tier.targetLatencyMs, smaller(rule?.maxLatencyMs, sloMs)) ?? tier.targetLatencyMs;
    const explicitTargetMs = smaller(
      tier.isTargetExplicit ? tier.targetLatencyMs : undefined,
      smaller(rule?.maxLatencyMs, demand.surface.latencySloMs),
    );
    // A default target paces streams only: a whole answer, or one thought over first, rarely fits 1.5 s.
    const pacedTargetMs = explicitTargetMs ?? (features.streamed ? targetLatencyMs : undefined);
    const ranked = rankTier(eligible, {
      score: {
        weights: ranking.weights,
        streamed: features.streamed,
        targetLatencyMs,
        usage,
        referenceCostUsd: expectedCostUsd(policy.dearest, usage),
        warm: input.warm,
        qualityOf: ({ model }) => qualityUnderRule(model, rule),
      },
      signals,
      standing: eligible === candidates ? standing : undefined,
      overTargetMs: ({ model }) => (thinks(model, features) ? explicitTargetMs : pacedTargetMs),
      exploration: policy.ranking.exploration,
      nowMs,
      random,
      limit: candidatesPerTier,
    });
    beyond += eligible.length - ranked.length;
    for (const candidate of ranked) {
      const { deployment, signals: live } = candidate;
      const isThinking = thinks(deployment.model, features);
      if (candidate.isTrial) trials = [...trials, deployment];
      if (candidate.deferral !== undefined) isOneDeferred = true;
      attempts.push({
        deployment,
        tier: tier.tier,
        targetLatencyMs,
        targetMs: isThinking ? explicitTargetMs : pacedTargetMs,
        moveOnAfterMs: undefined,
        secondCopyAfterMs: undefined,
        usualP95Ms: features.streamed ? live.p95TimeToFirstTokenMs : live.p95LatencyMs,
        usualMs: (features.streamed ? live.firstTokenByInput : live.durationByOutput)?.meanY,
        timeouts: timeoutsOf(deployment, tier, demand.surface, policy, isThinking),
        maxOutputTokens: outputLimit(deployment, demand),
        terms: candidate.terms,
        deferral: candidate.deferral,
        isUnwell: candidate.isUnwell,
      });
    }
  }
  // Stable: among those that stand equally well, tiers and ranks keep their order.
  if (isCheapestFirst || isOneDeferred) {
    attempts.sort((first, second) => {
      const bySeverity = severityOf(first.deferral?.kind) - severityOf(second.deferral?.kind);
      return bySeverity !== 0 || !isCheapestFirst ? bySeverity : byCost(first, second);
    });
  }
  // From the last one on: each looks at the one after it.
  let next: Draft | undefined;
  for (let index = attempts.length - 1; index >= 0; index -= 1) {
    const attempt = attempts[index];
    if (attempt === undefined) continue;
    const { targetMs, usualP95Ms } = attempt;
    const pace = {
      targetMs,
      streamed: features.streamed,
      usualMs: attempt.usualMs,
      usualP95Ms,
      nextUsualP95Ms: next?.usualP95Ms,
      nextExpectedMs: next?.terms.expectedLatencyMs,
      isTrial: trials.includes(attempt.deployment),
    };
    attempt.moveOnAfterMs = findMoveOn(pace);
    attempt.secondCopyAfterMs = findSecondCopy(pace, attempt.moveOnAfterMs);
    next = attempt;
  }
  return { beyond, ranking, attempts };
}

/** What the request will use: its prompt, and an answer as long as those of its class usually are. */
function expectedUsage({ features, classification, signals }: PlanInput, demand: Demand): ExpectedUsage {
  // What was seen is of whole answers, all their choices included.
  const usual = signals.usualOutputTokens?.(classification.class) ?? ASSUMED_OUTPUT_TOKENS * features.choices;
  const mostTokens = (demand.outputTokens ?? Number.POSITIVE_INFINITY) * features.choices;
  return {
    inputTokens: features.inputTokens,
    cachedTokens: 0,
    outputTokens: Math.min(usual, mostTokens),
  };
}

/** Where nobody sets timeouts of its own, as mostly, all attempts share one object. */
const SHARED = new WeakMap<
  PolicyExecution,
  { readonly plain: AttemptTimeouts; readonly thinking: AttemptTimeouts }
>();

function timeoutsOf(
  deployment: PolicyDeployment,
  tier: PolicyTier,
  surface: PolicySurface,
  { execution }: PolicySnapshot,
  isThinking: boolean,
): AttemptTimeouts {
  if (isEmpty(deployment.timeouts) && isEmpty(tier.timeouts) && isEmpty(surface.timeouts)) {
    let shared = SHARED.get(execution);
    if (shared === undefined) {
      shared = { plain: timeoutsFor({}, execution, false), thinking: timeoutsFor({}, execution, true) };
      SHARED.set(execution, shared);
    }
    return isThinking ? shared.thinking : shared.plain;
  }
  const own = shortestTimeouts(deployment.timeouts, tier.timeouts, surface.timeouts);
  return timeoutsFor(own, execution, isThinking);
}

function timeoutsFor(own: OwnTimeouts, { timeouts }: PolicyExecution, isThinking: boolean): AttemptTimeouts {
  return {
    connectMs: own.connectMs ?? timeouts.connectMs,
    firstTokenMs:
      own.firstTokenMs ?? timeouts.firstTokenMs ?? (isThinking ? REASONING_FIRST_TOKEN_MS : FIRST_TOKEN_MS),
    idleMs: own.idleMs ?? timeouts.idleMs,
    maxStreamMs: own.maxStreamMs ?? timeouts.maxStreamMs,
  };
}

function isEmpty(timeouts: OwnTimeouts): boolean {
  return (
    timeouts.connectMs === undefined &&
    timeouts.firstTokenMs === undefined &&
    timeouts.idleMs === undefined &&
    timeouts.maxStreamMs === undefined
  );
}

/** Of two that are not known neither comes first. */
function byCost(first: PlannedAttempt, second: PlannedAttempt): number {
  const [firstUsd, secondUsd] = [first, second].map(({ deployment, terms }) =>
    deployment.price === undefined ? Number.POSITIVE_INFINITY : terms.expectedCostUsd,
  ) as [number, number];
  return firstUsd === secondUsd ? 0 : firstUsd - secondUsd;
}

/** Undefined: no hour differs from another. */
function presetOfHour({ policy, circumstances, nowMs }: PlanInput): RankingPreset | undefined {
  return policy.peakHours && presetAt(policy.peakHours, circumstances.workload, nowMs);
}

/** Each re-send of a long prompt is paid for like the first. */
function maxAttemptsOf({ maxAttempts, retries }: PolicyExecution, inputTokens: number): number {
  return inputTokens > retries.longPromptTokens ? Math.min(maxAttempts, LONG_PROMPT_ATTEMPTS) : maxAttempts;
}

function outputLimit(
  deployment: PolicyDeployment,
  { surface, features, outputTokens }: Demand,
): number | undefined {
  const { price, maxOutputTokens, contextWindow } = deployment;
  if (surface.maxCostPerRequest === undefined || price === undefined) return outputTokens;
  const prompt = promptOf(deployment, features);
  return cappedOutputTokens({
    requested: outputTokens,
    affordable: affordableOutputTokens(surface.maxCostPerRequest, price, prompt),
    modelMaxOutputTokens: maxOutputTokens,
    contextWindow,
    inputTokens: prompt.inputTokens,
  });
}
