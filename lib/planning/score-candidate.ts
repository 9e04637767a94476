import { chanceOfMiss } from './chance-of-miss.js';
import { capacityOf } from './deferral.js';
import { expectedCostUsd, type ExpectedUsage } from './expected-cost.js';
import { expectedLatencyMs, isUnseen } from './expected-latency.js';
import type { RankingTerms } from './plan.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import type { RankingWeights } from './ranking-weights.js';
import type { DeploymentSignals } from './signals-snapshot.js';

/** In flight at which a deployment without `maxConcurrency` counts as fully loaded in the score. */
const ASSUMED_CAPACITY = 128;
/** A deployment that fails every call is, before the weights, worth as much as one four times over its target. */
const ERROR_WEIGHT = 4;
/** So many times over its target it is, before the weights, as bad as one that fails every call, and not worse. */
export const MAX_LATENCY = 4;
/** One failure among few calls proves little: so many virtual successes stand beside it. */
const VIRTUAL_SUCCESSES = 2;
/** An alert weighs more than all of the target latency, by `balanced` a third more: it ranks behind its healthy peers, and is not left out. */
const ALERT_PENALTY = 1;

/** What the score of a candidate is reckoned against. */
export interface ScoreContext {
  readonly weights: RankingWeights;
  readonly streamed: boolean;
  readonly targetLatencyMs: number;
  readonly usage: ExpectedUsage;
  /** The request at the price of the dearest model of the configuration, in US dollars: what the cost is measured in. */
  readonly referenceCostUsd: number;
  /** What a provider's cache still holds of the prompt, by deployment, in tokens. */
  readonly warm: WarmPrompt | undefined;
  /** Under the rule's kind of task. */
  readonly qualityOf: (deployment: PolicyDeployment) => number | undefined;
}

/** Whose prompt cache is warm for this conversation. */
export interface WarmPrompt {
  readonly deployment: string;
  readonly cachedTokens: number;
}

/** The request as this deployment would bill it. */
export function usageAt(deployment: PolicyDeployment, { usage, warm }: ScoreContext): ExpectedUsage {
  return warm?.deployment === deployment.id ? { ...usage, cachedTokens: warm.cachedTokens } : usage;
}

/** The terms of a candidate; where one is never wanted, see {@link scoreWithin}. */
export function scoreCandidate(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  context: ScoreContext,
): RankingTerms {
  const terms = scoreWithin(deployment, signals, context, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  if (terms === undefined) throw new RangeError('no score is above infinity');
  return terms;
}

/**
 * The terms of a candidate, each by what is known of it alone: more latency, errors, load or cost never lower the score. Only
 * of one that was never seen the latency is guessed by that of its peers.
 *
 * @param worst - Whoever has a higher score is not wanted.
 * @param optimisticMs - Of one that was never seen no more latency is expected than of the quickest of its peers: how else
 * would it become known? It is the one thing that a candidate has of the others.
 * @returns Undefined: it is not wanted.
 */
export function scoreWithin(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  context: ScoreContext,
  worst: number,
  optimisticMs: number,
): RankingTerms | undefined {
  const { weights, targetLatencyMs, streamed, referenceCostUsd } = context;
  const knownMs = expectedLatencyMs(signals, deployment.prior, context);
  const latencyMs = isUnseen(signals, streamed) ? Math.min(knownMs, optimisticMs) : knownMs;
  const costUsd = expectedCostUsd(deployment.price, usageAt(deployment, context));
  const latency = weights.latency * Math.min(latencyMs / targetLatencyMs, MAX_LATENCY);
  const errors = weights.errors * errorTerm(signals);
  const load = weights.load * loadTerm(deployment, signals);
  // What it costs is not known: nobody takes that for free.
  const reckonedUsd = deployment.price === undefined ? referenceCostUsd : costUsd;
  const cost = referenceCostUsd === 0 ? 0 : (weights.cost * reckonedUsd) / referenceCostUsd;
  const quality = weights.quality === 0 ? 0 : weights.quality * (1 - (context.qualityOf(deployment) ?? 0));
  const alert = alertTerm(signals);
  const certain = latency + errors + load + cost + quality + alert;
  // The dearest term to reckon, and it only ever adds.
  if (certain > worst) return undefined;
  const usual = streamed ? signals.firstTokenByInput : signals.durationByOutput;
  const usualP95Ms = streamed ? signals.p95TimeToFirstTokenMs : signals.p95LatencyMs;
  const samples = streamed ? signals.usualFirstTokenSamples : signals.usualLatencySamples;
  const chance = chanceOfMiss(latencyMs, usual?.meanY, usualP95Ms, samples, targetLatencyMs);
  const risk = weights.risk * chance;
  return {
    latency,
    risk,
    errors,
    load,
    cost,
    quality,
    alert,
    score: certain + risk,
    expectedLatencyMs: latencyMs,
    expectedCostUsd: costUsd,
  };
}

/** Before its weight. */
export function errorTerm({ errorRate, samples }: DeploymentSignals): number {
  return (ERROR_WEIGHT * errorRate * samples) / (samples + VIRTUAL_SUCCESSES);
}

/** Before its weight. */
export function loadTerm(deployment: PolicyDeployment, signals: DeploymentSignals): number {
  const capacity = (capacityOf(deployment, signals) ?? ASSUMED_CAPACITY) * deployment.weight;
  return ((signals.inFlight + signals.queued) / capacity) ** 2;
}

export function alertTerm({ inAlert }: DeploymentSignals): number {
  return inAlert ? ALERT_PENALTY : 0;
}
