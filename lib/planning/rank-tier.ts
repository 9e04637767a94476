import { capacityOf, type Deferral, findDeferral, isFailing } from './deferral.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import type { RankingTerms } from './plan.js';
import type { DeploymentSignals } from './signals-snapshot.js';

/** In flight at which a deployment without `maxConcurrency` counts as fully loaded in the score. */
const ASSUMED_CAPACITY = 64;
/** A deployment that fails every call is worth as much as one four times over its target. */
const ERROR_WEIGHT = 4;
/** An alert weighs as much as all of the target latency: it ranks behind its healthy peers, and is not left out. */
const ALERT_PENALTY = 1;
/** Candidates this near to the best share the traffic, or all of it would herd onto one. */
const NEAR_BEST_RATIO = 1.15;
const NEAR_BEST_SLACK = 0.05;

export interface RankedCandidate {
  readonly deployment: PolicyDeployment;
  readonly terms: RankingTerms;
  readonly deferral: Deferral | undefined;
  readonly isUnwell: boolean;
  readonly signals: DeploymentSignals;
}

/**
 * Orders the eligible deployments of one tier by live state. The score is deterministic; `random` only shares the
 * traffic among those near the best, by weight, and lets a part of it back to one that recovers.
 */
export function rankTier(
  deployments: readonly PolicyDeployment[],
  signalsOf: (deployment: PolicyDeployment) => DeploymentSignals,
  options: { streamed: boolean; targetLatencyMs: number; nowMs: number; random: () => number },
): RankedCandidate[] {
  const live = deployments.map((deployment) => ({ deployment, signals: signalsOf(deployment) }));
  const latencyOf = (signals: DeploymentSignals): number | undefined =>
    options.streamed ? signals.timeToFirstTokenMs : signals.latencyMs;
  const known = live.map(({ signals }) => latencyOf(signals)).filter((value) => value !== undefined);
  // A deployment without samples counts as the best of its peers, so that it gets some and becomes known.
  const optimistic = known.length > 0 ? Math.min(...known) : 0;

  const ranked = live
    .map(({ deployment, signals }, position) => {
      const latency = (latencyOf(signals) ?? optimistic) / options.targetLatencyMs;
      // Two virtual successes: one failure among few calls proves little.
      const errors = (ERROR_WEIGHT * signals.errorRate * signals.samples) / (signals.samples + 2);
      const capacity = (capacityOf(deployment, signals) ?? ASSUMED_CAPACITY) * deployment.weight;
      const load = (signals.inFlight + signals.queued) / capacity;
      const alert = signals.inAlert ? ALERT_PENALTY : 0;
      const terms: RankingTerms = { latency, errors, load, alert, score: latency + errors + load + alert };
      const isUnwell = signals.restingUntilMs > options.nowMs || isFailing(signals);
      const deferral =
        findDeferral(deployment, signals, options.nowMs) ?? findRampDeferral(signals, options.random);
      return { deployment, terms, deferral, isUnwell, signals, position };
    })
    .sort((first, second) => first.terms.score - second.terms.score || first.position - second.position);

  const willing = ranked.filter((candidate) => candidate.deferral === undefined);
  const best = willing[0];
  if (best !== undefined && willing.length > 1) {
    const limit = best.terms.score * NEAR_BEST_RATIO + NEAR_BEST_SLACK;
    const near = willing.filter((candidate) => candidate.terms.score <= limit);
    const chosen = pickByWeight(near, options.random);
    ranked.splice(ranked.indexOf(chosen), 1);
    ranked.unshift(chosen);
  }
  return ranked;
}

/** Of one that recovers, a part of the traffic alone. */
function findRampDeferral(
  { breaker, breakerShare }: DeploymentSignals,
  random: () => number,
): Deferral | undefined {
  if (breaker !== 'ramping' || breakerShare >= 1 || random() < breakerShare) return undefined;
  return { kind: 'ramping', text: `recovering (${Math.round(breakerShare * 100)} % of the traffic)` };
}

function pickByWeight<Candidate extends { deployment: PolicyDeployment }>(
  candidates: readonly [Candidate, ...Candidate[]] | readonly Candidate[],
  random: () => number,
): Candidate {
  const total = candidates.reduce((sum, candidate) => sum + candidate.deployment.weight, 0);
  let left = random() * total;
  for (const candidate of candidates) {
    left -= candidate.deployment.weight;
    if (left < 0) return candidate;
  }
  // random() gives less than 1, so only rounding leads here.
  const last = candidates.at(-1);
  if (last === undefined) throw new RangeError('pickByWeight needs a candidate');
  return last;
}
