import type { PolicyRule, PolicySnapshot, PolicySurface } from './policy-snapshot.js';
import type { RankingPreset } from './ranking-preset.js';
import { NO_CHOICE, PRESET_WEIGHTS, type RankingWeights } from './ranking-weights.js';

/** What the candidates of a request are ranked by. */
export interface Ranking {
  readonly preset: RankingPreset;
  readonly weights: RankingWeights;
}

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
  return {
    preset,
    weights: {
      ...PRESET_WEIGHTS[preset],
      ...policy.ranking.weights,
      ...ofRule.weights,
      ...surface.ranking.weights,
    },
  };
}
