import type { Demand } from './demand.js';
import { findStandingRejection } from './eligibility/find-rejection.js';
import type { RejectedCandidate } from './plan.js';
import type { PolicyDeployment, PolicyRule, PolicySurface, PolicyTier } from './policy-snapshot.js';
import { StandingCandidates } from './standing-candidates.js';

/** Whose tiers are looked at: those of a rule, or one model alone. */
export interface PlanSource {
  readonly rule: PolicyRule | undefined;
  readonly tiers: readonly PolicyTier[];
}

/** What can be said of a source's candidates without the request: floors, pins, regions, list prices. */
export interface StaticPass {
  /** By tier, in its order. */
  readonly tiers: readonly {
    readonly tier: PolicyTier;
    readonly standing: StandingCandidates;
  }[];
  readonly rejected: readonly RejectedCandidate[];
}

/** Policies are immutable, so what was found once holds as long as they do. */
const passes = new WeakMap<readonly PolicyTier[], WeakMap<PolicySurface, StaticPass>>();

/** The candidates of a source that may serve a surface at all; found once for a policy. */
export function staticPassOf(source: PlanSource, demand: Demand): StaticPass {
  let bySurface = passes.get(source.tiers);
  if (bySurface === undefined) {
    bySurface = new WeakMap();
    passes.set(source.tiers, bySurface);
  }
  let pass = bySurface.get(demand.surface);
  if (pass === undefined) {
    pass = judge(source, demand);
    bySurface.set(demand.surface, pass);
  }
  return pass;
}

function judge({ rule, tiers }: PlanSource, demand: Demand): StaticPass {
  const rejected: RejectedCandidate[] = [];
  return {
    rejected,
    tiers: tiers.map((tier) => {
      const candidates = tier.models
        .flatMap((model) => model.deployments)
        .filter((deployment) => {
          const rejection = findStandingRejection(deployment, demand);
          if (rejection === undefined) return true;
          rejected.push({ deployment, tier: tier.tier, rule: rule?.name, ...rejection });
          return false;
        });
      return { tier, standing: shared(tier, candidates) };
    }),
  };
}

/** More different sets of one tier are not shared: each is found again by what it leaves out. */
const MAX_SETS = 64;
const sets = new WeakMap<PolicyTier, StandingCandidates[]>();

/** Surfaces that leave out the same candidates share what is known of the others, so that a thousand need no more than ten. */
function shared(tier: PolicyTier, candidates: readonly PolicyDeployment[]): StandingCandidates {
  const known = sets.get(tier) ?? [];
  sets.set(tier, known);
  const found = known.find(
    ({ deployments }) =>
      deployments.length === candidates.length &&
      deployments.every((one, index) => one === candidates[index]),
  );
  if (found !== undefined) return found;
  const made = new StandingCandidates(candidates);
  if (known.length < MAX_SETS) known.push(made);
  return made;
}
