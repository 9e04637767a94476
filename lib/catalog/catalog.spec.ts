import { describe, expect, it } from 'vitest';
import { computeAliases, MODEL_ALIASES } from './aliases.js';
import { Catalog } from './catalog.js';
import type { CatalogModel } from './catalog-model.js';
import { CATALOG_MODELS } from './models.js';

const base: CatalogModel = {
  name: 'base',
  family: 'claude-haiku',
  maker: 'anthropic',
  api: 'anthropic',
  releaseDate: '2025-01-01',
  price: undefined,
  contextWindow: 1,
  maxOutputTokens: 1,
  capabilities: ['streaming'],
  rating: { entry: 'base', rating: 1200, lower: 1190, upper: 1210 },
};

describe('Catalog', () => {
  const catalog = new Catalog();

  it('finds every model by its name, and every alias', () => {
    for (const model of CATALOG_MODELS) {
      expect(catalog.find(model.name)).toBe(model);
    }
    for (const [alias, name] of MODEL_ALIASES) {
      expect(catalog.find(alias)?.name).toBe(name);
    }
    expect(catalog.names()).toEqual(CATALOG_MODELS.map((model) => model.name));
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'GPT-4', 'gpt-4 ', 'gpt-9'])(
    'does not know %j',
    (name) => {
      expect(catalog.find(name)).toBeUndefined();
    },
  );

  it.each([
    'gpt-4o-2024-08-06',
    'gpt-4.1-mini-2025-04-14',
    'claude-3-haiku-20240307',
    'claude-haiku-4-5-20251001',
    'gpt-4-0613',
    'gpt-3.5-turbo-16k-0613',
    'gpt-4-1106-preview',
    'mistral-large-2411',
    'gemini-2.0-flash-001',
    'gemini-2.5-pro-preview-06-05',
    'gemini-2.5-flash-preview-09-2025',
  ])('%s is a dated snapshot', (name) => {
    expect(catalog.isDatedSnapshot(name)).toBe(true);
  });

  it.each([
    'gpt-4',
    'gpt-4o',
    'gpt-4o-mini',
    'gpt-3.5-turbo',
    'gpt-5.1',
    'claude-opus-4-5',
    'claude-haiku',
    'gemini-2.5-pro',
    'gemini-3-flash-preview',
    'llama-3.3-70b-instruct',
    'gpt-oss-120b',
    'gpt-3.5-turbo-16k',
    'model-9999',
    '20240307',
  ])('%s is not', (name) => {
    expect(catalog.isDatedSnapshot(name)).toBe(false);
  });
});

describe('aliases', () => {
  it('of a family mean its newest model that is rated and not deprecated', () => {
    expect(Object.fromEntries(MODEL_ALIASES)).toMatchObject({
      'claude-haiku': 'claude-haiku-4-5',
      'claude-sonnet': 'claude-sonnet-4-5',
      'claude-opus': 'claude-opus-4-5',
      'gemini-pro': 'gemini-2.5-pro',
      'gemini-flash': 'gemini-2.5-flash',
      'gpt-mini': 'gpt-4.1-mini',
      'gpt-nano': 'gpt-4.1-nano',
      'gpt-3.5': 'gpt-3.5-turbo',
      'claude-opus-4.5': 'claude-opus-4-5',
    });
  });

  it('are absent where no model of the family is rated', () => {
    expect(MODEL_ALIASES.has('gemini-flash-lite')).toBe(false);
  });

  it('are computed: order in the list, unrated, deprecated and foreign models change nothing', () => {
    const models: CatalogModel[] = [
      { ...base, name: 'newest-rated', releaseDate: '2025-06-01' },
      { ...base, name: 'older', releaseDate: '2025-05-01' },
      { ...base, name: 'unrated', releaseDate: '2026-01-01', rating: undefined },
      { ...base, name: 'deprecated', releaseDate: '2026-01-01', deprecated: true },
      { ...base, name: 'foreign', family: 'claude-opus', releaseDate: '2026-01-01' },
    ];
    const expected = [
      ['claude-haiku', 'newest-rated'],
      ['claude-opus', 'foreign'],
    ];
    expect([...computeAliases(models)].sort()).toEqual(expected);
    expect([...computeAliases([...models].reverse())].sort()).toEqual(expected);
  });

  it('never hide a model and always lead to one', () => {
    const names = new Set(CATALOG_MODELS.map((model) => model.name));
    for (const [alias, name] of MODEL_ALIASES) {
      expect(names.has(alias)).toBe(false);
      expect(names.has(name)).toBe(true);
    }
    expect([...computeAliases([{ ...base, name: 'claude-haiku' }])]).toEqual([]);
  });

  it('knows dated snapshots: the facts of their model under their own name, and binding', () => {
    const catalog = new Catalog();
    expect(catalog.snapshotNames().length).toBeGreaterThan(10);
    for (const name of catalog.snapshotNames()) {
      expect(catalog.find(name)?.name).toBe(name);
      expect(catalog.isDatedSnapshot(name)).toBe(true);
      expect(catalog.names()).not.toContain(name);
    }
    expect(catalog.find('gpt-4-0613')?.price).toEqual(catalog.find('gpt-4')?.price);
  });
});
