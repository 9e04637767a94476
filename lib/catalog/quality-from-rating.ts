import type { CatalogModel } from './catalog-model.js';

/**
 * The model all qualities are measured against: a quality is the expected share of wins against it, so its own is 0.5.
 *
 * @publicApi
 */
export const QUALITY_REFERENCE = 'gpt-4';

/** The reference's rating, that of gpt-4-0613 in lmarena/arena-catalog of 2025-12-17. */
export const QUALITY_REFERENCE_RATING = 1187;

/** A quality in [0, 1] with the 95 % bounds of the rating it comes from. */
export interface QualityEstimate {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * The expected share of wins against {@link QUALITY_REFERENCE}, in (0, 1), by the Bradley-Terry model on the Elo
 * scale: `1 / (1 + 10^((reference - rating) / 400))`. 0.5: as good as the reference; 0.64: 100 points better.
 *
 * @param rating - On the scale of lmarena/arena-catalog, 2025-12-17. Ratings of another date are another scale.
 */
export function qualityFromRating(rating: number): number {
  return 1 / (1 + 10 ** ((QUALITY_REFERENCE_RATING - rating) / 400));
}

/**
 * A catalogue model's quality with its bounds. The uncertainty of the reference's own rating is not in them.
 *
 * @returns Undefined for an unrated model: it has no quality, and passes no floor.
 */
export function qualityOf(model: Pick<CatalogModel, 'rating'>): QualityEstimate | undefined {
  return model.rating === undefined
    ? undefined
    : {
        value: qualityFromRating(model.rating.rating),
        lower: qualityFromRating(model.rating.lower),
        upper: qualityFromRating(model.rating.upper),
      };
}
