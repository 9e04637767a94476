import type { LlmRequestContext } from '../context/index.js';

/** What `@Surface` leaves on a controller or handler. */
export interface SurfaceMetadata {
  readonly name: string;
  readonly overrides: SurfaceOverrides;
}

/**
 * What one handler says differently from its surface.
 *
 * @publicApi
 */
export type SurfaceOverrides = Pick<LlmRequestContext, 'workload' | 'deadlineMs' | 'tenant'>;

export const SURFACE_METADATA = 'nestjs-llm-router:surface';
