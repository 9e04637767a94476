import type { CatalogModel } from './catalog-model.js';
import { CATALOG_MODELS } from './models.js';

/**
 * Families whose bare name is used as a model's. Not `gpt` or `o`: nobody can say which model is meant by those.
 */
const ALIASED_FAMILIES: readonly string[] = [
  'claude-haiku',
  'claude-sonnet',
  'claude-opus',
  'gemini-pro',
  'gemini-flash',
  'gemini-flash-lite',
  'gpt-mini',
  'gpt-nano',
];

/** Other names of one and the same model. */
const RENAMES: readonly (readonly [alias: string, name: string])[] = [
  ['gpt-3.5', 'gpt-3.5-turbo'],
  ['claude-3-haiku', 'claude-3-haiku-20240307'],
  ['claude-3-opus', 'claude-3-opus-20240229'],
  ['claude-3-5-haiku', 'claude-3-5-haiku-20241022'],
  ['claude-3-5-sonnet', 'claude-3-5-sonnet-20241022'],
  ['claude-3-7-sonnet', 'claude-3-7-sonnet-20250219'],
  ['claude-sonnet-4', 'claude-sonnet-4-0'],
  ['claude-opus-4', 'claude-opus-4-0'],
  ['nova-micro', 'amazon.nova-micro-v1:0'],
  ['nova-lite', 'amazon.nova-lite-v1:0'],
  ['nova-pro', 'amazon.nova-pro-v1:0'],
  ['nova-premier', 'amazon.nova-premier-v1:0'],
  ['nova-2-lite', 'amazon.nova-2-lite-v1:0'],
];

/**
 * Names that stand for a catalogue model.
 *
 * - A family's name (`claude-haiku`, `gemini-pro`) means its newest model that is rated and not deprecated: an alias
 *   must have a quality, or it would pass no floor. A family without such a model has no alias.
 * - A Claude version may be written with a dot (`claude-opus-4.5`), as it is in prose and at some hosts.
 * - A few renames.
 *
 * An alias never hides a model of that name.
 */
export function computeAliases(models: readonly CatalogModel[]): ReadonlyMap<string, string> {
  const names = new Set(models.map((model) => model.name));
  const aliases = new Map<string, string>();
  const add = (alias: string, name: string): void => {
    if (names.has(name) && !names.has(alias)) {
      aliases.set(alias, name);
    }
  };
  for (const family of ALIASED_FAMILIES) {
    const newest = newestRated(models.filter((model) => model.family === family));
    if (newest !== undefined) {
      add(family, newest.name);
    }
  }
  for (const name of names) {
    if (/^claude-[a-z]+-\d-\d$/.test(name)) {
      add(name.replace(/-(\d)$/, '.$1'), name);
    }
  }
  for (const [alias, name] of RENAMES) {
    add(alias, name);
  }
  return aliases;
}

/** Alias to catalogue name, of the shipped catalogue; see {@link computeAliases}. */
export const MODEL_ALIASES: ReadonlyMap<string, string> = computeAliases(CATALOG_MODELS);

function newestRated(models: readonly CatalogModel[]): CatalogModel | undefined {
  let newest: CatalogModel | undefined;
  for (const model of models) {
    const isCandidate = model.rating !== undefined && model.deprecated !== true;
    if (isCandidate && (newest === undefined || model.releaseDate > newest.releaseDate)) {
      newest = model;
    }
  }
  return newest;
}
