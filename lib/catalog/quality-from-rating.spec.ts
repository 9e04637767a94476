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

  it('has a zero point of its own in every kind of task: the reference is at one half in each', () => {
    const reference = new Catalog().find(QUALITY_REFERENCE)!;
    for (const kind of ['hard_prompts', 'coding', 'math'] as const) {
      expect(qualityOf(reference, kind)?.value).toBe(0.5);
      expect(qualityFromRating(reference.rating!.byTask![kind]!.rating + 400, kind)).toBeCloseTo(10 / 11, 12);
    }
  });

  it('by kind is held against the reference in that kind', () => {
    // Worked out by hand from the arena of 2025-12-17, coding: (1439, reference 1186); overall: (1421, 1187).
    const model = new Catalog().find('gpt-5.1')!;
    expect(qualityOf(model, 'coding')?.value).toBeCloseTo(1 / (1 + 10 ** ((1186 - 1439) / 400)), 12);
    expect(qualityOf(model)?.value).toBeCloseTo(1 / (1 + 10 ** ((1187 - 1421) / 400)), 12);
    expect(qualityOf(model, 'coding')!.lower).toBeLessThan(qualityOf(model, 'coding')!.value);
  });

  it('is not made up: who is rated over all alone has none of a kind, and the unrated none at all', () => {
    const overall = { rating: { entry: 'x', rating: 1300, lower: 1290, upper: 1310 } };
    expect(qualityOf(overall)).toBeDefined();
    expect(qualityOf(overall, 'math')).toBeUndefined();
    expect(qualityOf({ rating: undefined }, 'math')).toBeUndefined();
  });
});
