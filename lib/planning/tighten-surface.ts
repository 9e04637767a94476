import { type SurfaceTightening, tighter, TIGHTENING_KEYS } from '../context/index.js';
import type { PolicySurface } from './policy-snapshot.js';

/** The surface under what a handler or a caller says beside it: the higher floor and the lower cap hold. */
export function tightenSurface(surface: PolicySurface, by: SurfaceTightening): PolicySurface {
  if (TIGHTENING_KEYS.every((key) => by[key] === undefined)) return surface;
  return { ...surface, ...tighter(surface, by) };
}
