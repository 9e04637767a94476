import type { CatalogModel } from '../catalog-model.js';
import { rated } from '../rated.js';

/**
 * MiniMax's models, under the names of api.minimax.io. Over 512,000 input tokens M3 bills the whole request at double.
 */
export const MINIMAX_MODELS: readonly CatalogModel[] = [
  {
    name: 'MiniMax-M3',
    family: 'minimax',
    maker: 'minimax',
    api: undefined,
    releaseDate: '2026-06-01',
    openWeights: true,
    price: {
      inputPer1M: 0.3,
      outputPer1M: 1.2,
      cachedInputPer1M: 0.06,
      longContext: [{ aboveInputTokens: 512_000, inputPer1M: 0.6, outputPer1M: 2.4, cachedInputPer1M: 0.12 }],
    },
    contextWindow: 1_000_000,
    maxOutputTokens: 128_000,
    capabilities: ['streaming', 'tools', 'vision', 'reasoning'],
    rating: undefined,
  },
  {
    name: 'MiniMax-M2.7',
    family: 'minimax',
    maker: 'minimax',
    api: undefined,
    releaseDate: '2026-03-18',
    openWeights: true,
    price: { inputPer1M: 0.3, outputPer1M: 1.2, cachedInputPer1M: 0.06, cacheWritePer1M: 0.375 },
    contextWindow: 204_800,
    maxOutputTokens: 131_072,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: undefined,
  },
  // Twice the cache read at Together.
  {
    name: 'MiniMax-M2.5',
    family: 'minimax',
    maker: 'minimax',
    api: undefined,
    releaseDate: '2026-02-12',
    openWeights: true,
    price: { inputPer1M: 0.3, outputPer1M: 1.2, cachedInputPer1M: 0.03, cacheWritePer1M: 0.375 },
    contextWindow: 204_800,
    maxOutputTokens: 131_072,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: undefined,
  },
  {
    name: 'MiniMax-M2.1',
    family: 'minimax',
    maker: 'minimax',
    api: undefined,
    releaseDate: '2025-12-23',
    openWeights: true,
    price: { inputPer1M: 0.3, outputPer1M: 1.2, cachedInputPer1M: 0.03, cacheWritePer1M: 0.375 },
    contextWindow: 204_800,
    maxOutputTokens: 131_072,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: undefined,
  },
  {
    name: 'MiniMax-M2',
    family: 'minimax',
    maker: 'minimax',
    api: undefined,
    releaseDate: '2025-10-27',
    openWeights: true,
    price: { inputPer1M: 0.3, outputPer1M: 1.2 },
    contextWindow: 196_608,
    maxOutputTokens: 128_000,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: rated('minimax-m2'),
  },
];
