import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { MODEL_CAPABILITIES } from './catalog-model.js';
import { CATALOG_MODELS } from './models.js';

interface SourceModel {
  readonly provider: string;
  readonly id: string;
  readonly family?: string;
  readonly release_date: string;
  readonly status?: string;
  readonly reasoning?: boolean;
  readonly tool_call?: boolean;
  readonly structured_output?: boolean;
  readonly cost?: { input: number; output: number; cache_read?: number; cache_write?: number };
  readonly limit: { context: number; output: number };
  readonly modalities: { input: string[] };
}

const FACTS = new URL('../../../shared/model-facts/', import.meta.url);
const hasFacts = existsSync(FACTS);
const PROVIDER = { openai: 'openai', anthropic: 'anthropic', gemini: 'google' } as const;

/** Where the catalogue means to differ from models.dev: `model.field` and why. */
const DELIBERATE: ReadonlyMap<string, string> = new Map([
  [
    'gpt-3.5-turbo.cachedInputPer1M',
    'a cache read of 0 would make repeated prompts free; the model has no cache',
  ],
  ['gpt-3.5-turbo.tools', 'it takes tools'],
  ['gpt-4.releaseDate', 'the source has the date of gpt-4-turbo; the name stands for gpt-4-0613'],
  ['gpt-4o-2024-05-13.json_schema', 'structured outputs begin with gpt-4o-2024-08-06'],
  ...[
    'claude-haiku-4-5',
    'claude-sonnet-4-5',
    'claude-sonnet-4-6',
    'claude-sonnet-5',
    'claude-opus-4-1',
    'claude-opus-4-5',
    'claude-opus-4-6',
    'claude-opus-4-7',
    'claude-opus-4-8',
  ].map(
    (name) => [`${name}.json_schema`, "the source does not record Anthropic's structured outputs"] as const,
  ),
]);

describe('the catalogue', () => {
  it('has every name once', () => {
    const names = CATALOG_MODELS.map((model) => model.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(CATALOG_MODELS.map((model) => [model.name, model] as const))('%s is sane', (_name, model) => {
    expect(model.releaseDate).toMatch(/^20\d{2}-\d{2}-\d{2}$/);
    expect(model.contextWindow).toBeGreaterThan(1000);
    expect(model.maxOutputTokens).toBeGreaterThan(1000);
    expect(model.maxOutputTokens).toBeLessThanOrEqual(model.contextWindow);
    expect(model.capabilities).toContain('streaming');
    expect(new Set(model.capabilities).size).toBe(model.capabilities.length);
    expect(MODEL_CAPABILITIES).toEqual(expect.arrayContaining([...model.capabilities]));
    expect(model.price === undefined).toBe(model.api === undefined);
    if (model.price !== undefined) {
      const { inputPer1M, outputPer1M, cachedInputPer1M, cacheWritePer1M } = model.price;
      expect(inputPer1M).toBeGreaterThan(0);
      expect(outputPer1M).toBeGreaterThanOrEqual(inputPer1M);
      expect(cachedInputPer1M ?? inputPer1M).toBeGreaterThan(0);
      expect(cachedInputPer1M ?? inputPer1M).toBeLessThanOrEqual(inputPer1M);
      expect(cacheWritePer1M ?? inputPer1M).toBeGreaterThanOrEqual(inputPer1M);
    }
    if (model.rating !== undefined) {
      expect(model.rating.lower).toBeLessThanOrEqual(model.rating.rating);
      expect(model.rating.upper).toBeGreaterThanOrEqual(model.rating.rating);
    }
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
      read('arena-ratings.json') as { models: Record<string, { full: [number, number, number] }> }
    ).models;

    const differences = new Set<string>();
    for (const model of hasFacts ? CATALOG_MODELS : []) {
      if (model.api === undefined) {
        continue;
      }
      const provider = PROVIDER[model.api];
      const entry = source.find((each) => each.provider === provider && each.id === model.name);
      const compare = (field: string, ours: unknown, theirs: unknown): void => {
        if (ours !== theirs) {
          differences.add(`${model.name}.${field}`);
        }
      };
      compare('inputPer1M', model.price?.inputPer1M, entry?.cost?.input);
      compare('outputPer1M', model.price?.outputPer1M, entry?.cost?.output);
      compare('cachedInputPer1M', model.price?.cachedInputPer1M, entry?.cost?.cache_read);
      compare('cacheWritePer1M', model.price?.cacheWritePer1M, entry?.cost?.cache_write);
      compare('contextWindow', model.contextWindow, entry?.limit.context);
      compare('maxOutputTokens', model.maxOutputTokens, entry?.limit.output);
      compare('family', model.family, entry?.family);
      compare('releaseDate', model.releaseDate, entry?.release_date);
      compare('deprecated', model.deprecated ?? false, entry?.status === 'deprecated');
      const has = (capability: (typeof MODEL_CAPABILITIES)[number]): boolean =>
        model.capabilities.includes(capability);
      compare('tools', has('tools'), entry?.tool_call ?? false);
      compare('json_schema', has('json_schema'), entry?.structured_output ?? false);
      compare('vision', has('vision'), entry?.modalities.input.includes('image'));
      compare('documents', has('documents'), entry?.modalities.input.includes('pdf'));
      compare('audio', has('audio'), entry?.modalities.input.includes('audio'));
      compare('reasoning', has('reasoning'), entry?.reasoning ?? false);
    }

    it('differs from models.dev only where it means to', () => {
      expect([...differences].sort()).toEqual([...DELIBERATE.keys()].sort());
    });

    it('has windows for open models that hosts in models.dev give', () => {
      for (const model of CATALOG_MODELS.filter((each) => each.api === undefined)) {
        const windows = source
          .filter((each) => each.id.toLowerCase().includes(model.name))
          .map((each) => each.limit.context);
        expect(windows, model.name).toContain(model.contextWindow);
      }
    });

    it('has the ratings of the arena, under the entries it names', () => {
      for (const { name, rating } of CATALOG_MODELS) {
        if (rating !== undefined) {
          expect([rating.rating, rating.lower, rating.upper], name).toEqual(ratings[rating.entry]?.full);
        }
      }
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
