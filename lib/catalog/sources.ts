/** Where the catalogue's facts are from, and of when. Kept by `npm run catalog:update -- --write`. */
export const CATALOG_SOURCES = {
  /** Prices, windows, limits, dates and abilities. MIT. What came out after `seenUntil` and is not here, is new. */
  models: { name: 'anomalyco/models.dev', commit: 'f3fc692', date: '2026-07-02', seenUntil: '2026-07-02' },
  /** Ratings. */
  ratings: { name: 'lmarena/arena-catalog', commit: 'c9558b6', date: '2025-12-17' },
} as const;
