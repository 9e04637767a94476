/**
 * What the ranking inside a tier goes by. `balanced`: speed, errors, load and price together; `cheapest`: the price before
 * all else; `fastest`: the time before all else; `best`: the quality before all else.
 *
 * @publicApi
 */
export type RankingPreset = 'balanced' | 'cheapest' | 'fastest' | 'best';

export const RANKING_PRESETS = [
  'balanced',
  'cheapest',
  'fastest',
  'best',
] as const satisfies readonly RankingPreset[];
