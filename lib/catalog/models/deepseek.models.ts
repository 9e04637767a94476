import type { CatalogModel } from '../catalog-model.js';
import { rated } from '../rated.js';

/**
 * DeepSeek's models: the names of api.deepseek.com first, then open ones that others host.
 */
export const DEEPSEEK_MODELS: readonly CatalogModel[] = [
  // Priced at a host of others with a cache read ten times as high: DeepSeek cut its own to a tenth on 2026-04-26
  // (api-docs.deepseek.com/quick_start/pricing).
  {
    name: 'deepseek-v4-flash',
    family: 'deepseek-flash',
    maker: 'deepseek',
    api: undefined,
    releaseDate: '2026-04-24',
    openWeights: true,
    price: { inputPer1M: 0.14, outputPer1M: 0.28, cachedInputPer1M: 0.0028 },
    contextWindow: 1_000_000,
    maxOutputTokens: 384_000,
    capabilities: ['streaming', 'tools', 'json_schema', 'reasoning'],
    rating: undefined,
  },
  // A quarter of what other hosts ask: DeepSeek made its 75 % discount lasting on 2026-05-31
  // (api-docs.deepseek.com/quick_start/pricing).
  {
    name: 'deepseek-v4-pro',
    family: 'deepseek-thinking',
    maker: 'deepseek',
    api: undefined,
    releaseDate: '2026-04-24',
    openWeights: true,
    price: { inputPer1M: 0.435, outputPer1M: 0.87, cachedInputPer1M: 0.003625 },
    contextWindow: 1_000_000,
    maxOutputTokens: 384_000,
    capabilities: ['streaming', 'tools', 'json_schema', 'reasoning'],
    rating: undefined,
  },
  // deepseek-v4-flash without thinking, until DeepSeek retires the name on 2026-07-24.
  {
    name: 'deepseek-chat',
    family: 'deepseek',
    maker: 'deepseek',
    api: undefined,
    releaseDate: '2025-12-01',
    deprecated: true,
    openWeights: true,
    price: { inputPer1M: 0.14, outputPer1M: 0.28, cachedInputPer1M: 0.0028 },
    contextWindow: 1_000_000,
    maxOutputTokens: 384_000,
    capabilities: ['streaming', 'tools'],
    rating: undefined,
  },
  // deepseek-v4-flash with thinking, until then.
  {
    name: 'deepseek-reasoner',
    family: 'deepseek-thinking',
    maker: 'deepseek',
    api: undefined,
    releaseDate: '2025-12-01',
    deprecated: true,
    openWeights: true,
    price: { inputPer1M: 0.14, outputPer1M: 0.28, cachedInputPer1M: 0.0028 },
    contextWindow: 1_000_000,
    maxOutputTokens: 384_000,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: undefined,
  },
  // Rated without thinking.
  {
    name: 'deepseek-v3.2',
    family: 'deepseek',
    maker: 'deepseek',
    api: undefined,
    source: 'hosts',
    releaseDate: '2025-12-01',
    openWeights: true,
    price: undefined,
    contextWindow: 163_840,
    maxOutputTokens: 65_536,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: rated('deepseek-v3.2'),
  },
  {
    name: 'deepseek-r1-0528',
    family: 'deepseek-thinking',
    maker: 'deepseek',
    api: undefined,
    source: 'hosts',
    releaseDate: '2025-05-28',
    openWeights: true,
    price: undefined,
    contextWindow: 163_840,
    maxOutputTokens: 163_840,
    capabilities: ['streaming', 'tools', 'reasoning'],
    rating: rated('deepseek-r1-0528'),
  },
];
