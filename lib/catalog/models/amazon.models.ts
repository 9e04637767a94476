import type { CatalogModel } from '../catalog-model.js';
import { rated } from '../rated.js';

/**
 * Amazon's Nova, under the names of Bedrock. Prices are those of one region; a region or profile may have others.
 */
export const AMAZON_MODELS: readonly CatalogModel[] = [
  // OpenRouter's facts: the entry at Bedrock has the date, window and limits of another model.
  {
    name: 'amazon.nova-2-lite-v1:0',
    family: 'nova',
    maker: 'amazon',
    api: undefined,
    source: 'openrouter/amazon/nova-2-lite-v1',
    releaseDate: '2025-12-02',
    price: { inputPer1M: 0.3, outputPer1M: 2.5 },
    contextWindow: 1_000_000,
    maxOutputTokens: 65_535,
    capabilities: ['streaming', 'tools', 'vision', 'reasoning'],
    thinksOnRequest: true,
    rating: rated('nova-2-lite'),
  },
  {
    name: 'amazon.nova-premier-v1:0',
    family: 'nova',
    maker: 'amazon',
    api: undefined,
    source: 'openrouter/amazon/nova-premier-v1',
    releaseDate: '2025-10-31',
    price: { inputPer1M: 2.5, outputPer1M: 12.5, cachedInputPer1M: 0.625 },
    contextWindow: 1_000_000,
    maxOutputTokens: 32_000,
    capabilities: ['streaming', 'tools', 'vision'],
    rating: undefined,
  },
  {
    name: 'amazon.nova-pro-v1:0',
    family: 'nova-pro',
    maker: 'amazon',
    api: undefined,
    releaseDate: '2024-12-03',
    price: { inputPer1M: 0.8, outputPer1M: 3.2, cachedInputPer1M: 0.2 },
    contextWindow: 300_000,
    maxOutputTokens: 8192,
    capabilities: ['streaming', 'tools', 'vision'],
    rating: rated('amazon-nova-pro-v1.0'),
  },
  {
    name: 'amazon.nova-lite-v1:0',
    family: 'nova-lite',
    maker: 'amazon',
    api: undefined,
    releaseDate: '2024-12-03',
    price: { inputPer1M: 0.06, outputPer1M: 0.24, cachedInputPer1M: 0.015 },
    contextWindow: 300_000,
    maxOutputTokens: 8192,
    capabilities: ['streaming', 'tools', 'vision'],
    rating: rated('amazon-nova-lite-v1.0'),
  },
  {
    name: 'amazon.nova-micro-v1:0',
    family: 'nova-micro',
    maker: 'amazon',
    api: undefined,
    releaseDate: '2024-12-03',
    price: { inputPer1M: 0.035, outputPer1M: 0.14, cachedInputPer1M: 0.00875 },
    contextWindow: 128_000,
    maxOutputTokens: 8192,
    capabilities: ['streaming', 'tools'],
    rating: rated('amazon-nova-micro-v1.0'),
  },
];
