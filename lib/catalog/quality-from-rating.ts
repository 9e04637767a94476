import type { CatalogModel, TaskKind } from './catalog-model.js';
import { rated } from './rated.js';

/**
 * The model all qualities are measured against: a quality is the expected share of wins against it, so its own is 0.5.
 *
 * @publicApi
 */
export const QUALITY_REFERENCE = 'gpt-4';

const REFERENCE = rated('gpt-4-0613');

/** The reference's rating over all tasks, that of gpt-4-0613. */
export const QUALITY_REFERENCE_RATING: number = REFERENCE.rating;

/** A quality in [0, 1] with the 95 % bounds of the rating it comes from. */
export interface QualityEstimate {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** The zero point of a kind of task: the reference's own rating in it. */
function referenceRating(kind: TaskKind | undefined): number {
  return kind === undefined ? REFERENCE.rating : REFERENCE.byTask[kind].rating;
}

/**
 * The expected share of wins against {@link QUALITY_REFERENCE}, in (0, 1), by the Bradley-Terry model on the Elo
 * scale: `1 / (1 + 10^((reference - rating) / 400))`. 0.5: as good as the reference; 0.64: 100 points better.
 *
 * @param rating - On the scale of `CATALOG_SOURCES.ratings`. Ratings of another date are another scale.
 * @param kind - The kind of task the rating is for, each a scale of its own; left out: all tasks.
 */
export function qualityFromRating(rating: number, kind?: TaskKind): number {
  return 1 / (1 + 10 ** ((referenceRating(kind) - rating) / 400));
}

/**
 * A catalogue model's quality with its bounds, over all tasks or in one kind of them. The uncertainty of the
 * reference's own rating is not in them.
 *
 * @returns Undefined for a model not rated so: it has no quality, and passes no floor. A rating over all tasks does not
 * stand in for one of a kind.
 */
export function qualityOf(model: Pick<CatalogModel, 'rating'>, kind?: TaskKind): QualityEstimate | undefined {
  const rating = kind === undefined ? model.rating : model.rating?.byTask?.[kind];
  return rating === undefined
    ? undefined
    : {
        value: qualityFromRating(rating.rating, kind),
        lower: qualityFromRating(rating.lower, kind),
        upper: qualityFromRating(rating.upper, kind),
      };
}
