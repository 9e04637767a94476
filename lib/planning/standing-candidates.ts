import type { PolicyDeployment } from './policy-snapshot.js';
import { ScoreFloors } from './score-floors.js';
import { boundsOf, type TierBounds } from './tier-bounds.js';

/** The candidates of a tier that no standing limit leaves out, and what can be said of them before there is a request. */
export class StandingCandidates {
  readonly bounds: TierBounds | undefined;
  #ofStreams: ScoreFloors | undefined;
  #ofWhole: ScoreFloors | undefined;

  constructor(readonly deployments: readonly PolicyDeployment[]) {
    this.bounds = boundsOf(deployments);
  }

  floorsFor(streamed: boolean): ScoreFloors {
    return streamed
      ? (this.#ofStreams ??= new ScoreFloors(this.deployments, true))
      : (this.#ofWhole ??= new ScoreFloors(this.deployments, false));
  }
}
