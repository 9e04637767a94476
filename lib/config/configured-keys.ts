import { MAX_KEYS } from './key-limits.js';
import type { ProviderOptions } from './options/provider.options.js';
import { isKey } from './validators.js';

/** Where a provider's keys come from. */
export type ConfiguredKeys =
  | { readonly from: 'list'; readonly keys: readonly string[] }
  /** A callback: what it gives has to be looked at by {@link keysIn}. */
  | { readonly from: 'callback'; readonly ask: () => unknown };

/** Undefined: it is called without a key. */
export function configuredKeys({
  apiKey,
  apiKeys,
}: Pick<ProviderOptions, 'apiKey' | 'apiKeys'>): ConfiguredKeys | undefined {
  const given = apiKeys ?? apiKey;
  if (given === undefined || given === '') return undefined;
  if (typeof given === 'function') return { from: 'callback', ask: given };
  return { from: 'list', keys: typeof given === 'string' ? [given] : given };
}

/** The keys in a callback's answer, each once; undefined: it is no key and no list of keys. */
export function keysIn(answer: unknown): readonly string[] | undefined {
  const keys: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
  if (keys.length === 0 || keys.length > MAX_KEYS) return undefined;
  return keys.every(isKey) ? [...new Set(keys)] : undefined;
}
