import { currentLlmContext, mergeLlmContext } from '../context/index.js';
import type { InternalCallOptions } from './call-options.js';

/** Whose requests are kept apart from all others': the tenant's, or without one the key's. */
export function tenantKeyOf(options: InternalCallOptions): string {
  const { tenant } = mergeLlmContext(currentLlmContext(), options);
  if (tenant !== undefined) return `tenant ${tenant}`;
  return options.keyId === undefined ? '' : `key ${options.keyId}`;
}
