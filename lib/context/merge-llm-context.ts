import type { LlmRequestContext } from './llm-request-context.js';
import { tighter, TIGHTENING_KEYS } from './tighter.js';

/**
 * Lays what is said further in over what was said further out. A value given as undefined says nothing. Limits can
 * only be tightened on the way in; where another surface is named, those said for the former go. Who waits, for whom
 * and how long stays.
 */
export function mergeLlmContext<Over extends LlmRequestContext>(
  outer: LlmRequestContext,
  inner: Over,
): LlmRequestContext & Over {
  const merged: Record<string, unknown> = { ...outer };
  const isOther = inner.surface !== undefined && inner.surface !== outer.surface;
  for (const [key, value] of Object.entries(inner)) {
    if (value !== undefined) merged[key] = value;
  }
  const limits = isOther ? inner : tighter(outer, inner);
  for (const key of TIGHTENING_KEYS) merged[key] = limits[key];
  return merged as LlmRequestContext & Over;
}
