import { isIP } from 'node:net';
import { type CatalogModel, isEmbeddingModel, presetOf } from '../catalog/index.js';
import type { PriceOptions, ProviderOptions } from '../config/index.js';
import { findOddPrices } from '../cost/index.js';
import { catalogPrice } from './catalog-price.js';
import { makerOf } from './maker-of.js';
import type { ProofNotes } from './proof-notes.js';

/** IPv4 networks of one's own: this machine, and RFC 1918. */
const OWN_IPV4 = /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/;
/** This machine and unique local addresses (RFC 4193), as a URL writes them. */
const OWN_IPV6 = /^\[(?:::1\]|f[cd])/;
const OWN_NAME = /(?:^|\.)(?:localhost|local|internal|lan)$/;

/** On this machine or in a network of one's own, where a model may well cost nothing. */
export function isOwnHost(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false;
  const { hostname } = new URL(baseUrl);
  // A name without a dot is that of a container or a machine beside this one.
  const isShortName = isIP(hostname) === 0 && !hostname.includes('.') && !hostname.startsWith('[');
  return isShortName || OWN_NAME.test(hostname) || OWN_IPV4.test(hostname) || OWN_IPV6.test(hostname);
}

/** Where a provider is, as far as the configuration or its preset says. */
function addressOf(provider: Pick<ProviderOptions, 'api' | 'baseUrl'>): string {
  return provider.baseUrl ?? presetOf(provider)?.baseUrl ?? '';
}

/** Whether a provider surely charges money: an OpenAI-compatible one may be anybody's own. */
function isPaid(provider: Pick<ProviderOptions, 'api' | 'baseUrl'>): boolean {
  if (isOwnHost(addressOf(provider))) return false;
  const preset = presetOf(provider);
  if (preset !== undefined) return preset.keyRequired;
  return provider.api !== 'openai-compatible' || makerOf(provider) !== undefined;
}

/**
 * Refuses steps in the wrong order, and remarks on what looks like a slip in a price that the user wrote. Some odd
 * prices are true (provisioned throughput, a free tier, a contract): no boot stops for one.
 *
 * @param facts - Of the model that is called there.
 */
export function provePrice(
  path: string,
  price: PriceOptions,
  provider: Pick<ProviderOptions, 'api' | 'baseUrl'>,
  facts: CatalogModel | undefined,
  notes: ProofNotes,
): void {
  const steps = price.longContext ?? [];
  const isAscending = steps.every(
    (step, index) => index === 0 || step.aboveInputTokens > (steps[index - 1]?.aboveInputTokens ?? 0),
  );
  if (!isAscending) {
    notes.error(`${path}.longContext`, 'must go up in `aboveInputTokens`, the lowest step first');
    return;
  }
  const isOwn = isOwnHost(addressOf(provider));
  const odd = findOddPrices(price, {
    // What a model costs on one's own machines has nothing to do with what its maker asks.
    listPrice: isOwn ? undefined : catalogPrice(facts, provider),
    isPaid: isPaid(provider),
    isEmbedding: facts !== undefined && isEmbeddingModel(facts.capabilities),
  });
  for (const words of odd) {
    const message = `looks odd: ${words} (counted as written; \`strict\` lets it pass)`;
    // One price of several deployments is looked at with each of them.
    const isSaid = notes.remarks.some((remark) => remark.path === path && remark.message === message);
    if (!isSaid) notes.remark(path, message);
  }
}
