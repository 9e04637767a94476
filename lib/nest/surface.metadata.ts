import type { LlmRequestContext, SurfaceName } from '../context/index.js';

/** What `@Surface` leaves on a class or a method. */
export interface SurfaceMetadata {
  readonly name: SurfaceName;
  readonly overrides: SurfaceOverrides;
}

/**
 * What one handler says differently from its surface: who waits and for how long, and limits that can only tighten
 * those of the surface.
 *
 * @publicApi
 */
export type SurfaceOverrides = Omit<LlmRequestContext, 'surface'>;

export const SURFACE_METADATA = 'nestjs-llm-router:surface';

/** The context a `@Surface` stands for. */
export function contextOf({ name, overrides }: SurfaceMetadata): LlmRequestContext {
  return { ...overrides, surface: name };
}
