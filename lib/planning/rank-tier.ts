import type { PolicyDeployment } from './policy-snapshot.js';
import { scoreCandidate, type ScoreContext } from './score-candidate.js';
import {
  isUnknown,
  type RankedCandidate,
  type RankOptions,
  type Scored,
  scored,
  selectBest,
  type Unknown,
} from './select-best.js';

export type { RankedCandidate, RankOptions } from './select-best.js';

/** Candidates this near to the best share the traffic, or all of it would herd onto one. */
const NEAR_BEST_RATIO = 1.02;
const NEAR_BEST_SLACK = 0.01;
/** Of one that was called so often there is no doubt. */
const WELL_KNOWN_WEIGHT = 8;
/** A conversation stays where its prompt is warm, unless that is so much worse in the score. */
const STAY_RATIO = 1.5;
const STAY_SLACK = 0.25;

/**
 * Orders the eligible deployments of one tier by live state, the best first. The score is deterministic; `random` only
 * shares the traffic among those near the best, lets a part of it back to one that recovers, and sends a few requests to
 * those of which nothing is known.
 */
export function rankTier(deployments: readonly PolicyDeployment[], options: RankOptions): RankedCandidate[] {
  const { best, unknown, trial } = selectBest(deployments, options);
  // A conversation that is cheaper where it is, is not sent elsewhere for the sake of knowing.
  if (!stayWhereWarm(best, options)) {
    shareAmongNearBest(best, options);
    // By its score, with the alert in it, it would not come first, and nobody would ever know.
    if (trial !== undefined) tryFirst(best, trial, options);
    else explore(best, unknown, options);
  }
  return best;
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
  putFirst(ranked, chosen);
}

/** Those before it move down by one. */
function putFirst(ranked: Scored[], chosen: Scored): void {
  for (let index = ranked.indexOf(chosen); index > 0; index -= 1) ranked[index] = ranked[index - 1] ?? chosen;
  ranked[0] = chosen;
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
  putFirst(ranked, found);
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
  if (options.random() < options.exploration) tryFirst(ranked, unknown, options);
}

function tryFirst(
  ranked: Scored[],
  { index: place, deployment, signals }: Unknown,
  options: RankOptions,
): void {
  const index = ranked.findIndex((one) => one.deployment === deployment);
  const terms = scoreCandidate(deployment, signals, options.score);
  const [found = scored(place, deployment, signals, terms, undefined, options)] =
    index < 0 ? [] : ranked.splice(index, 1);
  if (ranked.length >= options.limit) ranked.pop();
  ranked.unshift({ ...found, isTrial: true });
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
