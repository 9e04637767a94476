import { ARENA_RATINGS, type ArenaEntry, type RatingWithBounds } from './arena-ratings.js';
import type { ModelRating, TaskKind, TaskRating } from './catalog-model.js';

function named([rating, lower, upper]: RatingWithBounds): TaskRating {
  return { rating, lower, upper };
}

/** The ratings of an arena entry. A model has them only where the entry is that model in its default setting. */
export function rated(
  entry: ArenaEntry,
): ModelRating & { readonly byTask: Readonly<Record<TaskKind, TaskRating>> } {
  const [overall, hardPrompts, coding, math] = ARENA_RATINGS[entry];
  return {
    entry,
    ...named(overall),
    byTask: { hard_prompts: named(hardPrompts), coding: named(coding), math: named(math) },
  };
}
