// The options name it, and they stand below.
export { RANKING_PRESETS, type RankingPreset } from '../config/index.js';
