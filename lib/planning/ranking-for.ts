import type { PolicyRule, PolicySnapshot, PolicySurface } from './policy-snapshot.js';
import type { RankingPreset } from './ranking-preset.js';
import { NO_CHOICE, PRESET_WEIGHTS, type RankingWeights } from './ranking-weights.js';

/** What the candidates of a request are ranked by. */
export interface Ranking {
  readonly preset: RankingPreset;
  readonly weights: RankingWeights;
}

/** Of each preset where nobody sets a weight, as mostly: one object for all requests. */
const PLAIN: Readonly<Record<RankingPreset, Ranking>> = {
  balanced: { preset: 'balanced', weights: PRESET_WEIGHTS.balanced },
  cheapest: { preset: 'cheapest', weights: PRESET_WEIGHTS.cheapest },
  fastest: { preset: 'fastest', weights: PRESET_WEIGHTS.fastest },
  best: { preset: 'best', weights: PRESET_WEIGHTS.best },
};

/**
 * The nearest word on it counts: the surface's, then the rule's, then that of the hour, then that of the whole
 * configuration. Weights set beside a preset change it; those of the nearer place win.
 */
export function rankingFor(
  rule: PolicyRule | undefined,
  surface: PolicySurface,
  policy: PolicySnapshot,
  ofTheHour?: RankingPreset,
): Ranking {
  const ofRule = rule?.ranking ?? NO_CHOICE;
  const preset = surface.ranking.preset ?? ofRule.preset ?? ofTheHour ?? policy.ranking.preset ?? 'balanced';
  const { weights: ofAll } = policy.ranking;
  const isPlain =
    ofAll === NO_CHOICE.weights &&
    ofRule.weights === NO_CHOICE.weights &&
    surface.ranking.weights === NO_CHOICE.weights;
  if (isPlain) return PLAIN[preset];
  return {
    preset,
    weights: { ...PRESET_WEIGHTS[preset], ...ofAll, ...ofRule.weights, ...surface.ranking.weights },
  };
}
