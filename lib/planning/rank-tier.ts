import {
  type Deferral,
  type DeferralKind,
  deferralKindOf,
  describeDeferral,
  isFailing,
  severityOf,
} from './deferral.js';
import { expectedLatencyMs, isUnseen } from './expected-latency.js';
import { isOverTarget } from './is-over-target.js';
import type { RankingTerms } from './plan.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import { emptyTerms, type ScoreContext, scoreInto } from './score-candidate.js';
import type { DeploymentSignals, SignalsSnapshot } from './signals-snapshot.js';

/** Candidates this near to the best share the traffic, or all of it would herd onto one. */
const NEAR_BEST_RATIO = 1.02;
const NEAR_BEST_SLACK = 0.01;
/** Of one that was called so often there is no doubt. */
const WELL_KNOWN_WEIGHT = 8;
/** A conversation stays where its prompt is warm, unless that is so much worse in the score. */
const STAY_RATIO = 1.5;
const STAY_SLACK = 0.25;

export interface RankedCandidate {
  readonly deployment: PolicyDeployment;
  readonly terms: RankingTerms;
  readonly deferral: Deferral | undefined;
  readonly isUnwell: boolean;
  readonly signals: DeploymentSignals;
}

export interface RankOptions {
  readonly score: ScoreContext;
  readonly signals: SignalsSnapshot;
  /** The target whose miss makes a candidate give way; undefined: none does. */
  readonly overTargetMs: (deployment: PolicyDeployment) => number | undefined;
  /** Share of the requests that go to one of which nothing is known now, 0 to 1. */
  readonly exploration: number;
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Candidates to give, at most. */
  readonly limit: number;
}

interface Scored extends RankedCandidate {
  readonly kind: DeferralKind | undefined;
  readonly severity: number;
}

/**
 * Orders the eligible deployments of one tier by live state, the best first. The score is deterministic; `random` only
 * shares the traffic among those near the best, lets a part of it back to one that recovers, and sends a few requests to
 * those of which nothing is known.
 */
export function rankTier(deployments: readonly PolicyDeployment[], options: RankOptions): RankedCandidate[] {
  const { best, unknown } = selectBest(deployments, options);
  // A conversation that is cheaper where it is, is not sent elsewhere for the sake of knowing.
  if (!stayWhereWarm(best, options)) {
    shareAmongNearBest(best, options);
    explore(best, unknown, options);
  }
  return best;
}

/** One pass: of a thousand candidates a few are kept, in order. Equals keep the order of the configuration. */
function selectBest(
  deployments: readonly PolicyDeployment[],
  options: RankOptions,
): { readonly best: Scored[]; readonly unknown: Unknown | undefined } {
  const best: Scored[] = [];
  const terms = emptyTerms();
  let unknown: Unknown | undefined;
  let unknownCount = 0;
  // One draw for all of them: of many that miss their target no more go on to be tried than of one.
  let isTrial: boolean | undefined;
  const mayTry = (): boolean => (isTrial ??= options.random() < options.exploration);
  const live = deployments.map(({ id }) => options.signals.of(id));
  const optimisticMs = optimismFor(deployments, live, options);
  for (const [index, deployment] of deployments.entries()) {
    const signals = live[index];
    if (signals === undefined) continue;
    const kind = kindOf(deployment, signals, options, mayTry);
    const severity = severityOf(kind);
    if (severity === 0 && isUnknown(signals)) {
      unknownCount += 1;
      // Each of them is as likely as the others, however many there are.
      if (options.exploration > 0 && options.random() * unknownCount < 1) unknown = { deployment, signals };
    }
    let worst = Number.POSITIVE_INFINITY;
    if (best.length >= options.limit) {
      const last = best[best.length - 1];
      if (last !== undefined) {
        if (severity > last.severity) continue;
        if (severity === last.severity) worst = last.terms.score;
      }
    }
    if (!scoreInto(terms, deployment, signals, options.score, { worst, optimisticMs })) continue;
    let place = best.length;
    for (; place > 0; place -= 1) {
      const before = best[place - 1];
      if (before === undefined || before.severity < severity) break;
      if (before.severity === severity && before.terms.score <= terms.score) break;
    }
    if (place >= options.limit) continue;
    if (best.length >= options.limit) best.pop();
    best.splice(place, 0, scored(deployment, signals, { ...terms }, kind, options));
  }
  return { best, unknown };
}

/** What the quickest of those that were seen is expected to take; infinite where all were seen. */
function optimismFor(
  deployments: readonly PolicyDeployment[],
  live: readonly DeploymentSignals[],
  { score }: RankOptions,
): number {
  let leastMs = Number.POSITIVE_INFINITY;
  if (live.every((signals) => !isUnseen(signals, score.streamed))) return leastMs;
  for (const [index, { prior }] of deployments.entries()) {
    const signals = live[index];
    if (signals === undefined || isUnseen(signals, score.streamed)) continue;
    leastMs = Math.min(leastMs, expectedLatencyMs(signals, prior, score));
  }
  return leastMs;
}

/** One of which nothing is known now. */
interface Unknown {
  readonly deployment: PolicyDeployment;
  readonly signals: DeploymentSignals;
}

function isUnknown({ samples, inFlight }: DeploymentSignals): boolean {
  return samples === 0 && inFlight === 0;
}

function scored(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  terms: RankingTerms,
  kind: DeferralKind | undefined,
  { nowMs, score, overTargetMs }: RankOptions,
): Scored {
  return {
    deployment,
    signals,
    terms,
    kind,
    severity: severityOf(kind),
    deferral:
      kind === undefined
        ? undefined
        : {
            kind,
            text: describeDeferral(kind, signals, nowMs, overTargetMs(deployment) ?? score.targetLatencyMs),
          },
    isUnwell: signals.restingUntilMs > nowMs || isFailing(signals),
  };
}

function kindOf(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  { nowMs, random, overTargetMs, score }: RankOptions,
  mayTry: () => boolean,
): DeferralKind | undefined {
  const kind = deferralKindOf(deployment, signals, nowMs);
  if (kind !== undefined) return kind;
  // Of one that recovers, a part of the traffic alone.
  if (signals.breaker === 'ramping' && signals.breakerShare < 1 && random() >= signals.breakerShare) {
    return 'ramping';
  }
  // Out while others can be counted on; a few requests go on to show whether it is well again.
  if (signals.inCriticalAlert) return mayTry() ? undefined : 'in_alert';
  const recent = score.streamed ? signals.recentP95TimeToFirstTokenMs : signals.recentP95LatencyMs;
  if (recent.length === 0) return undefined;
  const targetMs = overTargetMs(deployment);
  if (targetMs === undefined || !isOverTarget(recent, targetMs)) return undefined;
  // A few requests go on to show whether it keeps its target again.
  return mayTry() ? undefined : 'over_target';
}

/**
 * Power of two choices: of two drawn by weight among those near the best, the one with the lighter load goes first. All
 * instances of an application that saw the same numbers would otherwise send everything to the same one.
 */
function shareAmongNearBest(ranked: Scored[], { random, score: { streamed } }: RankOptions): void {
  const [first] = ranked;
  if (first === undefined || first.severity > 0) return;
  const limit = first.terms.score * NEAR_BEST_RATIO + NEAR_BEST_SLACK;
  const near = ranked.filter(
    (one) => one.severity === 0 && one.terms.score - doubtOf(one, streamed) <= limit,
  );
  if (near.length < 2) return;
  const chosen = lighterOfTwo(near, random);
  ranked.splice(ranked.indexOf(chosen), 1);
  ranked.unshift(chosen);
}

/** How much of the latency of one that was hardly ever called may be chance: its first call was perhaps its slowest. */
function doubtOf({ signals, terms }: Scored, streamed: boolean): number {
  const line = streamed ? signals.firstTokenByInput : signals.durationByOutput;
  // Of one that was never called the best is hoped already.
  const weight = line?.weight ?? WELL_KNOWN_WEIGHT;
  return terms.latency * Math.max(0, 1 - weight / WELL_KNOWN_WEIGHT);
}

/** Puts the one with the warm prompt first, where that is cheaper. True: it is. */
function stayWhereWarm(ranked: Scored[], { score }: RankOptions): boolean {
  if (score.warm === undefined) return false;
  const found = findWarm(
    ranked.filter(({ severity }) => severity === 0),
    score,
  );
  if (found === undefined) return false;
  ranked.splice(ranked.indexOf(found), 1);
  ranked.unshift(found);
  return true;
}

/** The one with the warm prompt, where that makes it the cheapest of those that are ready, and it is not far behind. */
function findWarm(ready: readonly Scored[], score: ScoreContext): Scored | undefined {
  const { warm } = score;
  const found = warm && ready.find(({ deployment }) => deployment.id === warm.deployment);
  const [first] = ready;
  if (found === undefined || first === undefined) return undefined;
  if (found.terms.score > first.terms.score * STAY_RATIO + STAY_SLACK) return undefined;
  const stayUsd = found.terms.expectedCostUsd;
  return ready.every(({ terms }) => terms.expectedCostUsd >= stayUsd) ? found : undefined;
}

function lighterOfTwo(near: readonly Scored[], random: () => number): Scored {
  const first = pickByWeight(near, random);
  const second = pickByWeight(near, random);
  return loadOf(second) < loadOf(first) ? second : first;
}

function loadOf({ signals, deployment }: Scored): number {
  return (signals.inFlight + signals.queued) / deployment.weight;
}

/** Now and then one goes first of which nothing is known: else one that has recovered would never be found again. */
function explore(ranked: Scored[], unknown: Unknown | undefined, options: RankOptions): void {
  const [first] = ranked;
  // Where nothing is known of the first either, it is the one that gets to be known.
  if (first === undefined || unknown === undefined || first.severity > 0 || isUnknown(first.signals)) return;
  if (options.random() >= options.exploration) return;
  const { deployment, signals } = unknown;
  const index = ranked.findIndex((one) => one.deployment === deployment);
  const terms = emptyTerms();
  scoreInto(terms, deployment, signals, options.score);
  const [found = scored(deployment, signals, terms, undefined, options)] =
    index < 0 ? [] : ranked.splice(index, 1);
  if (ranked.length >= options.limit) ranked.pop();
  ranked.unshift(found);
}

function pickByWeight(candidates: readonly Scored[], random: () => number): Scored {
  const total = candidates.reduce((sum, { deployment }) => sum + deployment.weight, 0);
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
