import type { CatalogModel } from '../catalog-model.js';
import { rated } from '../rated.js';

/**
 * xAI's models. Over 200,000 input tokens the whole request costs double (docs.x.ai/developers/models, and measured against
 * bills in github.com/earendil-works/pi/issues/7912).
 */
export const XAI_MODELS: readonly CatalogModel[] = [
  {
    name: 'grok-4.3',
    family: 'grok',
    maker: 'xai',
    api: undefined,
    releaseDate: '2026-04-17',
    price: {
      inputPer1M: 1.25,
      outputPer1M: 2.5,
      cachedInputPer1M: 0.2,
      longContext: [{ aboveInputTokens: 200_000, inputPer1M: 2.5, outputPer1M: 5, cachedInputPer1M: 0.4 }],
    },
    contextWindow: 1_000_000,
    maxOutputTokens: 30_000,
    capabilities: ['streaming', 'tools', 'json_schema', 'vision', 'reasoning'],
    rating: undefined,
  },
  {
    name: 'grok-4.20-0309-reasoning',
    family: 'grok',
    maker: 'xai',
    api: undefined,
    releaseDate: '2026-03-09',
    price: {
      inputPer1M: 1.25,
      outputPer1M: 2.5,
      cachedInputPer1M: 0.2,
      longContext: [{ aboveInputTokens: 200_000, inputPer1M: 2.5, outputPer1M: 5, cachedInputPer1M: 0.4 }],
    },
    contextWindow: 1_000_000,
    maxOutputTokens: 30_000,
    capabilities: ['streaming', 'tools', 'json_schema', 'vision', 'reasoning'],
    rating: undefined,
  },
  {
    name: 'grok-4.20-0309-non-reasoning',
    family: 'grok',
    maker: 'xai',
    api: undefined,
    releaseDate: '2026-03-09',
    price: {
      inputPer1M: 1.25,
      outputPer1M: 2.5,
      cachedInputPer1M: 0.2,
      longContext: [{ aboveInputTokens: 200_000, inputPer1M: 2.5, outputPer1M: 5, cachedInputPer1M: 0.4 }],
    },
    contextWindow: 1_000_000,
    maxOutputTokens: 30_000,
    capabilities: ['streaming', 'tools', 'json_schema', 'vision'],
    rating: undefined,
  },
  {
    name: 'grok-build-0.1',
    family: 'grok-build',
    maker: 'xai',
    api: undefined,
    releaseDate: '2026-04-16',
    price: {
      inputPer1M: 1,
      outputPer1M: 2,
      cachedInputPer1M: 0.2,
      longContext: [{ aboveInputTokens: 200_000, inputPer1M: 2, outputPer1M: 4, cachedInputPer1M: 0.4 }],
    },
    contextWindow: 256_000,
    maxOutputTokens: 256_000,
    capabilities: ['streaming', 'tools', 'json_schema', 'vision', 'reasoning'],
    rating: undefined,
  },
  // Gone from xAI's own list; at Azure.
  {
    name: 'grok-4-1-fast-reasoning',
    family: 'grok',
    maker: 'xai',
    api: undefined,
    source: 'hosts',
    releaseDate: '2025-06-27',
    price: undefined,
    contextWindow: 128_000,
    maxOutputTokens: 8192,
    capabilities: ['streaming', 'tools', 'vision', 'reasoning'],
    rating: rated('grok-4-1-fast-reasoning'),
  },
  // Gone from xAI's own list; at Azure.
  {
    name: 'grok-4-fast-reasoning',
    family: 'grok',
    maker: 'xai',
    api: undefined,
    source: 'hosts',
    releaseDate: '2025-09-19',
    price: undefined,
    contextWindow: 2_000_000,
    maxOutputTokens: 30_000,
    capabilities: ['streaming', 'tools', 'vision', 'reasoning'],
    rating: rated('grok-4-fast-reasoning'),
  },
];
