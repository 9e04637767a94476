import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { CATALOG_MODELS } from './models.js';
import {
  QUALITY_REFERENCE,
  QUALITY_REFERENCE_RATING,
  qualityFromRating,
  qualityOf,
} from './quality-from-rating.js';

describe('quality from ratings', () => {
  it('is exactly one half for the reference', () => {
    const reference = new Catalog().find(QUALITY_REFERENCE);
    expect(reference?.rating?.rating).toBe(QUALITY_REFERENCE_RATING);
    expect(reference && qualityOf(reference)?.value).toBe(0.5);
  });

  it('is the expected share of wins', () => {
    expect(qualityFromRating(QUALITY_REFERENCE_RATING + 400)).toBeCloseTo(10 / 11, 12);
    expect(qualityFromRating(QUALITY_REFERENCE_RATING - 400)).toBeCloseTo(1 / 11, 12);
    expect(qualityFromRating(QUALITY_REFERENCE_RATING + 100)).toBeCloseTo(0.64, 3);
  });

  it('carries the bounds along', () => {
    for (const model of CATALOG_MODELS) {
      const quality = qualityOf(model);
      if (quality === undefined) {
        expect(model.rating).toBeUndefined();
        continue;
      }
      expect(quality.lower).toBeLessThan(quality.value);
      expect(quality.upper).toBeGreaterThan(quality.value);
      expect(quality.lower).toBeGreaterThan(0);
      expect(quality.upper).toBeLessThan(1);
    }
  });
});
