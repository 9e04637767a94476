import type { CatalogModel } from '../catalog-model.js';

/**
 * Perplexity's models. They charge for each request and search as well, which a price per token leaves out.
 */
export const PERPLEXITY_MODELS: readonly CatalogModel[] = [
  {
    name: 'sonar',
    family: 'sonar',
    maker: 'perplexity',
    api: undefined,
    releaseDate: '2024-01-01',
    price: { inputPer1M: 1, outputPer1M: 1 },
    contextWindow: 128_000,
    maxOutputTokens: 4096,
    capabilities: ['streaming'],
    rating: undefined,
  },
  {
    name: 'sonar-pro',
    family: 'sonar-pro',
    maker: 'perplexity',
    api: undefined,
    releaseDate: '2024-01-01',
    price: { inputPer1M: 3, outputPer1M: 15 },
    contextWindow: 200_000,
    maxOutputTokens: 8192,
    capabilities: ['streaming', 'vision'],
    rating: undefined,
  },
  {
    name: 'sonar-reasoning-pro',
    family: 'sonar-reasoning',
    maker: 'perplexity',
    api: undefined,
    releaseDate: '2024-01-01',
    price: { inputPer1M: 2, outputPer1M: 8 },
    contextWindow: 128_000,
    maxOutputTokens: 4096,
    capabilities: ['streaming', 'vision', 'reasoning'],
    rating: undefined,
  },
];
