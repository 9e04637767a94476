import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findOddPrices } from '../cost/index.js';
import { ARENA_RATINGS } from './arena-ratings.js';
import { Catalog } from './catalog.js';
import { isEmbeddingModel, MODEL_CAPABILITIES, type TaskRating } from './catalog-model.js';
import { CATALOG_MODELS } from './models.js';
import { QUALITY_REFERENCE_RATING } from './quality-from-rating.js';
import { CATALOG_SOURCES } from './sources.js';

const QUALITY_REFERENCE_ENTRY = 'gpt-4-0613';

interface SourceRates {
  readonly input: number;
  readonly output: number;
  readonly cache_read?: number;
  readonly cache_write?: number;
}

interface SourceModel {
  readonly provider: string;
  readonly id: string;
  readonly family?: string;
  readonly release_date: string;
  readonly status?: string;
  readonly reasoning?: boolean;
  readonly tool_call?: boolean;
  readonly structured_output?: boolean;
  readonly open_weights?: boolean;
  readonly cost?: SourceRates & { tiers?: (SourceRates & { tier: { size: number } })[] };
  readonly limit: { context: number; output: number };
  readonly modalities: { input: string[] };
}

const FACTS = new URL('../../../shared/model-facts/', import.meta.url);
const hasFacts = existsSync(FACTS);
const PROVIDER: Readonly<Record<string, string>> = { amazon: 'amazon-bedrock', meta: 'llama' };

/** Where the catalogue means to differ from models.dev: `model.field`, what the source has, and why. */
const DELIBERATE = JSON.parse(
  readFileSync(new URL('../../tools/catalog-differences.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, { readonly source: unknown; readonly reason: string }>>;

describe('the catalogue', () => {
  it('has every name once', () => {
    const names = CATALOG_MODELS.map((model) => model.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(CATALOG_MODELS.map((model) => [model.name, model] as const))('%s is sane', (_name, model) => {
    expect(model.releaseDate).toMatch(/^20\d{2}-\d{2}-\d{2}$/);
    expect(model.contextWindow).toBeGreaterThan(1000);
    const isEmbedding = isEmbeddingModel(model.capabilities);
    if (isEmbedding) {
      expect(model.maxOutputTokens).toBeUndefined();
    } else {
      expect(model.maxOutputTokens).toBeGreaterThan(1000);
      expect(model.maxOutputTokens).toBeLessThanOrEqual(model.contextWindow);
      expect(model.capabilities).toContain('streaming');
    }
    expect(new Set(model.capabilities).size).toBe(model.capabilities.length);
    expect(MODEL_CAPABILITIES).toEqual(expect.arrayContaining([...model.capabilities]));
    expect(model.price === undefined).toBe(model.source === 'hosts');
    if (model.api !== undefined) expect(model.openWeights).toBeUndefined();
    if (model.price !== undefined) {
      expect(findOddPrices(model.price, { isEmbedding, isPaid: true })).toEqual([]);
      const lengths = (model.price.longContext ?? []).map((step) => step.aboveInputTokens);
      expect(lengths).toEqual(lengths.toSorted((first, second) => first - second));
    }
    if (model.rating !== undefined) {
      expect(model.rating.lower).toBeLessThanOrEqual(model.rating.rating);
      expect(model.rating.upper).toBeGreaterThanOrEqual(model.rating.rating);
    }
  });

  it('is what the README says: how many models, and the dates of the facts', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(`${CATALOG_MODELS.length} models of`);
    expect(readme).toContain(`models.dev (MIT), ${CATALOG_SOURCES.models.date}`);
    expect(readme).toContain(`lmarena/arena-catalog, ${CATALOG_SOURCES.ratings.date}`);
    expect(readme).toContain(`10^((${QUALITY_REFERENCE_RATING} - rating) / 400)`);
  });

  it('names what teams name, of every maker', () => {
    const catalog = new Catalog();
    for (const name of [
      ...['gpt-5.5', 'gpt-5.4-nano', 'o4-mini', 'claude-fable-5', 'claude-sonnet-5', 'claude-3-7-sonnet'],
      ...['gemini-3.5-flash', 'mistral-large-latest', 'codestral-latest', 'deepseek-v4-pro', 'grok-4.3'],
      ...['qwen3.7-max', 'kimi-k2.6', 'glm-5.2', 'MiniMax-M3', 'command-a-03-2025', 'nova-pro', 'sonar-pro'],
      ...['llama-4-scout-17b-16e-instruct', 'gpt-oss-120b', 'gemma-4-31b-it'],
      ...['text-embedding-3-small', 'gemini-embedding-001', 'mistral-embed'],
    ]) {
      expect(catalog.find(name), name).toBeDefined();
    }
  });

  it('prices long prompts where their makers do', () => {
    const steps = (name: string) => new Catalog().find(name)?.price?.longContext;
    expect(steps('gpt-5.5')).toEqual([
      { aboveInputTokens: 272_000, inputPer1M: 10, outputPer1M: 45, cachedInputPer1M: 1 },
    ]);
    expect(steps('gemini-2.5-pro')?.[0]).toMatchObject({ aboveInputTokens: 200_000, inputPer1M: 2.5 });
    expect(steps('gpt-5.4-mini')).toBeUndefined();
    expect(steps('claude-opus-4-8')).toBeUndefined();
  });

  it("prices Qwen's open models as Alibaba does, at the dearer rate where thinking costs more", () => {
    const catalog = new Catalog();
    expect(catalog.find('qwen3-32b')).toMatchObject({
      price: { inputPer1M: 0.7, outputPer1M: 8.4 },
      contextWindow: 131_072,
    });
    expect(catalog.find('qwen3-coder-480b-a35b-instruct')?.price).toEqual({
      inputPer1M: 1.5,
      outputPer1M: 7.5,
    });
  });

  it('lets the fallback of the simple rule pass its price cap: $0.002 per 1,000 tokens, mixed 3 to 1', () => {
    for (const name of ['gpt-3.5-turbo', 'claude-haiku']) {
      const price = new Catalog().find(name)?.price;
      expect(price).toBeDefined();
      expect((3 * price!.inputPer1M + price!.outputPer1M) / 4 / 1000).toBeLessThanOrEqual(0.002);
    }
  });
});

describe.skipIf(!hasFacts)(
  `the catalogue against its sources${hasFacts ? '' : ' (skipped: no ../shared)'}`,
  () => {
    const read = (name: string): unknown =>
      hasFacts ? JSON.parse(readFileSync(new URL(name, FACTS), 'utf8')) : { models: [] };
    const source = (read('models.json') as { models: SourceModel[] }).models;
    const ratings = (
      read('arena-ratings.json') as {
        models: Record<string, Record<'full' | 'hard_6' | 'coding' | 'math', [number, number, number]>>;
      }
    ).models;

    const differences = new Map<string, unknown>();
    for (const model of hasFacts ? CATALOG_MODELS : []) {
      if (model.source === 'hosts') {
        continue;
      }
      const key = model.source ?? `${PROVIDER[model.maker] ?? model.maker}/${model.name}`;
      const entry = source.find((each) => `${each.provider}/${each.id}` === key);
      const compare = (field: string, ours: unknown, theirs: unknown): void => {
        if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
          differences.set(`${model.name}.${field}`, theirs ?? null);
        }
      };
      compare('inputPer1M', model.price?.inputPer1M, entry?.cost?.input);
      compare('outputPer1M', model.price?.outputPer1M, entry?.cost?.output);
      compare('cachedInputPer1M', model.price?.cachedInputPer1M, entry?.cost?.cache_read);
      compare('cacheWritePer1M', model.price?.cacheWritePer1M, entry?.cost?.cache_write);
      compare(
        'longContext',
        model.price?.longContext,
        entry?.cost?.tiers?.map((step) => ({
          aboveInputTokens: step.tier.size,
          inputPer1M: step.input,
          outputPer1M: step.output,
          cachedInputPer1M: step.cache_read,
          cacheWritePer1M: step.cache_write,
        })),
      );
      compare('contextWindow', model.contextWindow, entry?.limit.context);
      compare('family', model.family, entry?.family);
      compare('releaseDate', model.releaseDate, entry?.release_date);
      compare('deprecated', model.deprecated ?? false, entry?.status === 'deprecated');
      compare('openWeights', model.openWeights ?? false, entry?.open_weights ?? false);
      if (isEmbeddingModel(model.capabilities)) {
        continue;
      }
      compare('maxOutputTokens', model.maxOutputTokens, entry?.limit.output);
      const has = (capability: (typeof MODEL_CAPABILITIES)[number]): boolean =>
        model.capabilities.includes(capability);
      compare('tools', has('tools'), entry?.tool_call ?? false);
      compare('json_schema', has('json_schema'), entry?.structured_output ?? false);
      compare('vision', has('vision'), entry?.modalities.input.includes('image'));
      compare('documents', has('documents'), entry?.modalities.input.includes('pdf'));
      compare('audio', has('audio'), entry?.modalities.input.includes('audio'));
      compare('reasoning', has('reasoning'), entry?.reasoning ?? false);
    }

    it('differs from models.dev only where it means to, and from what the source had then', () => {
      const meant = Object.entries(DELIBERATE).map(([field, { source: theirs }]) => [field, theirs]);
      expect(Object.fromEntries(differences)).toEqual(Object.fromEntries(meant));
    });

    it('has windows for open models that hosts in models.dev give', () => {
      for (const model of CATALOG_MODELS.filter((each) => each.source === 'hosts')) {
        const windows = source
          .filter((each) => each.id.toLowerCase().includes(model.name))
          .map((each) => each.limit.context);
        expect(windows, model.name).toContain(model.contextWindow);
      }
    });

    it('has the ratings of the arena, under the entries it names, by kind of task too', () => {
      const bounds = (rating: TaskRating | undefined): unknown =>
        rating && [rating.rating, rating.lower, rating.upper];
      for (const { name, rating } of CATALOG_MODELS) {
        if (rating === undefined) {
          continue;
        }
        const entry = ratings[rating.entry];
        expect(bounds(rating), name).toEqual(entry?.full);
        expect(bounds(rating.byTask?.hard_prompts), name).toEqual(entry?.hard_6);
        expect(bounds(rating.byTask?.coding), name).toEqual(entry?.coding);
        expect(bounds(rating.byTask?.math), name).toEqual(entry?.math);
      }
    });

    it('cites no rating that no model has, but the reference', () => {
      const cited = new Set([QUALITY_REFERENCE_ENTRY, ...CATALOG_MODELS.map(({ rating }) => rating?.entry)]);
      expect(Object.keys(ARENA_RATINGS).filter((entry) => !cited.has(entry))).toEqual([]);
    });

    it('has rated every model whose own name is an entry', () => {
      for (const { name, rating } of CATALOG_MODELS) {
        if (name in ratings) {
          expect(rating?.entry, name).toBe(name);
        }
      }
    });
  },
);
