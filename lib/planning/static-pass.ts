import { findStandingRejection } from './eligibility/find-rejection.js';
import type { RejectedCandidate } from './plan.js';
import type { PolicyDeployment, PolicyRule, PolicySurface, PolicyTier } from './policy-snapshot.js';
import { StandingCandidates } from './standing-candidates.js';

/** What can be said of a source's candidates without the request: floors, pins, regions, list prices. */
export interface StaticPass {
  /** By tier, in its order. */
  readonly tiers: readonly {
    readonly tier: PolicyTier;
    readonly standing: StandingCandidates;
  }[];
  readonly rejected: readonly RejectedCandidate[];
}

/** Whose tiers are looked at: those of a rule, or one model alone. Kept as long as the policy is. */
export class PlanSource {
  readonly #passes = new WeakMap<PolicySurface, StaticPass>();
  #open: StaticPass | undefined;

  constructor(
    /** Undefined: of one model alone. */
    readonly rule: PolicyRule | undefined,
    private readonly tiers: readonly PolicyTier[],
  ) {}

  /** The candidates that may serve a surface at all; policies are immutable, so they are found once. */
  passFor(surface: PolicySurface): StaticPass {
    let pass = this.#passes.get(surface);
    if (pass === undefined) {
      pass = this.judge(surface);
      // Surfaces that leave nobody out share one.
      if (pass.rejected.length === 0) pass = this.#open ??= pass;
      this.#passes.set(surface, pass);
    }
    return pass;
  }

  private judge(surface: PolicySurface): StaticPass {
    const { rule } = this;
    const rejected: RejectedCandidate[] = [];
    return {
      rejected,
      tiers: this.tiers.map((tier) => {
        const candidates = tier.models
          .flatMap((model) => model.deployments)
          .filter((deployment) => {
            const rejection = findStandingRejection(deployment, { surface, rule });
            if (rejection === undefined) return true;
            rejected.push({ deployment, tier: tier.tier, rule: rule?.name, ...rejection });
            return false;
          });
        return { tier, standing: shared(tier, candidates) };
      }),
    };
  }
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
