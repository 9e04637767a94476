import type { RankingOptions } from '../config/index.js';
import { NO_CHOICE, type RankingChoice } from './ranking-weights.js';

/** What a part of the configuration says of the ranking, with what it leaves open left out. */
export function rankingChoice(options: RankingOptions | undefined): RankingChoice {
  if (options === undefined) return NO_CHOICE;
  const given = Object.entries(options.weights ?? {}).filter(([, weight]) => weight !== undefined);
  return {
    preset: options.preset ?? undefined,
    weights: given.length === 0 ? NO_CHOICE.weights : Object.fromEntries(given),
  };
}
