import type { LlmRequestContext, SurfaceTightening } from './llm-request-context.js';

/** What belongs to the surface it was said for, and not to another named further in. */
const OF_THE_SURFACE: readonly (keyof SurfaceTightening)[] = [
  'qualityFloor',
  'safetyFloor',
  'latencySloMs',
  'maxCostPerRequest',
  'maxOutputTokens',
];

/**
 * Lays what is said further in over what was said further out. A value given as undefined says nothing. Where another
 * surface is named, the limits said for the former go; who waits, for whom and how long stays.
 */
export function mergeLlmContext<Over extends LlmRequestContext>(
  outer: LlmRequestContext,
  inner: Over,
): LlmRequestContext & Over {
  const merged: Record<string, unknown> = { ...outer };
  if (inner.surface !== undefined && inner.surface !== outer.surface) {
    for (const key of OF_THE_SURFACE) merged[key] = undefined;
  }
  for (const [key, value] of Object.entries(inner)) {
    if (value !== undefined) merged[key] = value;
  }
  return merged as LlmRequestContext & Over;
}
