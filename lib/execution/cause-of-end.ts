import type { ProviderErrorKind } from '../errors/provider-error-kind.js';

/**
 * What a request is told that no attempt answered: that its time is over; that its prompt is too long for all; that all
 * were limited, and when to come back; or what failed.
 *
 * @param kinds - Of its failures.
 */
export function causeOfEnd(
  kinds: readonly ProviderErrorKind[],
  isOverdue: boolean,
): 'deadline' | 'context_length' | 'rate_limited' | 'failures' {
  if (isOverdue) return 'deadline';
  const [first] = kinds;
  const isOneKind = kinds.every((kind) => kind === first);
  return isOneKind && (first === 'context_length' || first === 'rate_limited') ? first : 'failures';
}
