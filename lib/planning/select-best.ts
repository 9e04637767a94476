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
import { type ScoreContext, scoreWithin } from './score-candidate.js';
import type { ScoreFloors } from './score-floors.js';
import type { DeploymentSignals, SignalsSnapshot } from './signals-snapshot.js';
import type { StandingCandidates } from './standing-candidates.js';

export interface RankedCandidate {
  readonly deployment: PolicyDeployment;
  readonly terms: RankingTerms;
  readonly deferral: Deferral | undefined;
  readonly isUnwell: boolean;
  /** It goes first to be known, and not because it is the best. */
  readonly isTrial: boolean;
  readonly signals: DeploymentSignals;
}

export interface RankOptions {
  readonly score: ScoreContext;
  readonly signals: SignalsSnapshot;
  /** What is kept of these deployments from one request to the next; absent: they are this request's alone. */
  readonly standing?: StandingCandidates | undefined;
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

export interface Scored extends RankedCandidate {
  /** Its place in the configuration. */
  readonly index: number;
  readonly kind: DeferralKind | undefined;
  readonly severity: number;
}

/** The best of a tier, in order; equals keep the order of the configuration. */
export interface Selection {
  readonly best: Scored[];
  /** Drawn among those of which nothing is known; undefined: there is none. */
  readonly unknown: Unknown | undefined;
  /** One in a critical alert whose turn it is to show whether it is well again; undefined: none, as for most requests. */
  readonly trial: Unknown | undefined;
}

/** Of a thousand candidates a few are kept. */
export function selectBest(deployments: readonly PolicyDeployment[], options: RankOptions): Selection {
  const { score, limit, standing } = options;
  const live = readAll(deployments, options);
  const floors = deployments.length > limit ? standing?.floorsFor(score.streamed) : undefined;
  floors?.refresh(live);
  const optimisticMs =
    floors?.unseen === 0 ? Number.POSITIVE_INFINITY : optimismFor(deployments, live, options);
  const selector = new Selector(deployments, live, options, optimisticMs);
  if (floors === undefined) selector.lookAtAll();
  else selector.lookBy(floors);
  return selector;
}

class Selector implements Selection {
  readonly best: Scored[] = [];
  unknown: Unknown | undefined;
  trial: Unknown | undefined;
  #unknownCount = 0;
  #trialCount = 0;
  /** One draw for all of them: of many that miss their target no more go on to be tried than of one. */
  #isTrial: boolean | undefined;
  readonly #mayTry = (): boolean => (this.#isTrial ??= this.options.random() < this.options.exploration);
  /** No candidate that is not deferred is wanted with a higher score. */
  #beyond = Number.POSITIVE_INFINITY;
  /** Of the best, once there are enough. */
  #last: Scored | undefined;

  constructor(
    private readonly deployments: readonly PolicyDeployment[],
    private readonly live: readonly DeploymentSignals[],
    private readonly options: RankOptions,
    private readonly optimisticMs: number,
  ) {}

  lookAtAll(): void {
    for (let index = 0; index < this.deployments.length; index += 1) this.lookAt(index);
  }

  /** First at those that seem the best, so that few of the others need a look. */
  lookBy(floors: ScoreFloors): void {
    const { score, overTargetMs, limit } = this.options;
    const least = floors.reckon(score, overTargetMs);
    const likely = nthLeast(least, limit);
    for (let index = 0; index < least.length; index += 1) {
      if ((least[index] ?? 0) <= likely) this.lookAt(index);
    }
    for (let index = 0; index < least.length; index += 1) {
      const one = least[index] ?? 0;
      if (one > likely && one <= this.#beyond) this.lookAt(index);
    }
  }

  private lookAt(index: number): void {
    const { options, best } = this;
    const deployment = this.deployments[index];
    const signals = this.live[index];
    if (deployment === undefined || signals === undefined) return;
    const kind = kindOf(deployment, signals, options, this.#mayTry);
    const severity = severityOf(kind);
    if (severity === 0 && (signals.inCriticalAlert || isUnknown(signals))) {
      this.draw({ index, deployment, signals });
    }
    const last = this.#last;
    if (last !== undefined && severity > last.severity) return;
    const worst = severity === last?.severity ? last.terms.score : Number.POSITIVE_INFINITY;
    const terms = scoreWithin(deployment, signals, options.score, worst, this.optimisticMs);
    if (terms === undefined) return;
    let place = best.length;
    for (; place > 0; place -= 1) {
      const before = best[place - 1];
      if (before === undefined || before.severity < severity) break;
      if (before.severity > severity) continue;
      const byScore = before.terms.score - terms.score;
      if (byScore < 0 || (byScore === 0 && before.index < index)) break;
    }
    if (place < options.limit) this.insert(place, scored(index, deployment, signals, terms, kind, options));
  }

  private insert(place: number, one: Scored): void {
    const { best } = this;
    const { limit } = this.options;
    if (best.length >= limit) best.pop();
    best.push(one);
    for (let index = best.length - 1; index > place; index -= 1) best[index] = best[index - 1] ?? one;
    best[place] = one;
    if (best.length < limit) return;
    this.#last = best[best.length - 1];
    // As long as one of the best is deferred, whoever is not comes before it.
    if (this.#last?.severity === 0) this.#beyond = this.#last.terms.score;
  }

  /** Each of them is as likely as the others, however many there are. */
  private draw(one: Unknown): void {
    const { exploration, random } = this.options;
    // The request is a trial already, or it would stand behind.
    if (one.signals.inCriticalAlert) {
      this.#trialCount += 1;
      if (this.#trialCount === 1 || random() * this.#trialCount < 1) this.trial = one;
      return;
    }
    this.#unknownCount += 1;
    if (exploration > 0 && random() * this.#unknownCount < 1) this.unknown = one;
  }
}

/** The value that so many are not above; infinite where there are fewer. */
function nthLeast(values: Float64Array, count: number): number {
  const least: number[] = [];
  for (const value of values) {
    if (least.length >= count && value >= (least[count - 1] ?? 0)) continue;
    if (least.length >= count) least.pop();
    let place = least.push(value) - 1;
    for (; place > 0 && (least[place - 1] ?? 0) > value; place -= 1) least[place] = least[place - 1] ?? 0;
    least[place] = value;
  }
  return least.length < count ? Number.POSITIVE_INFINITY : (least[count - 1] ?? 0);
}

function readAll(
  deployments: readonly PolicyDeployment[],
  { signals, standing }: RankOptions,
): readonly DeploymentSignals[] {
  if (standing !== undefined && signals.ofAll !== undefined) return signals.ofAll(deployments);
  return deployments.map(({ id }) => signals.of(id));
}

/** What the quickest of those that were seen is expected to take; infinite where all were seen. */
function optimismFor(
  deployments: readonly PolicyDeployment[],
  live: readonly DeploymentSignals[],
  { score }: RankOptions,
): number {
  let leastMs = Number.POSITIVE_INFINITY;
  if (!live.some((signals) => isUnseen(signals, score.streamed))) return leastMs;
  for (const [index, { prior }] of deployments.entries()) {
    const signals = live[index];
    if (signals === undefined || isUnseen(signals, score.streamed)) continue;
    leastMs = Math.min(leastMs, expectedLatencyMs(signals, prior, score));
  }
  return leastMs;
}

/** One that is to be known: nothing is known of it now, or nothing good. */
export interface Unknown {
  readonly index: number;
  readonly deployment: PolicyDeployment;
  readonly signals: DeploymentSignals;
}

export function isUnknown({ samples, inFlight }: DeploymentSignals): boolean {
  return samples === 0 && inFlight === 0;
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

export function scored(
  index: number,
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  terms: RankingTerms,
  kind: DeferralKind | undefined,
  { nowMs, score, overTargetMs }: RankOptions,
): Scored {
  return {
    index,
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
    isTrial: false,
    // Whatever puts one in a critical alert behind: it may be slow, or recover, as well.
    isUnwell:
      (kind !== undefined && signals.inCriticalAlert) || signals.restingUntilMs > nowMs || isFailing(signals),
  };
}
