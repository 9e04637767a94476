import type { SurfaceTightening } from '../context/index.js';
import type { PolicySurface } from './policy-snapshot.js';

type Bound = number | undefined;

function highest(first: Bound, second: Bound): Bound {
  return first === undefined || second === undefined ? (first ?? second) : Math.max(first, second);
}

function lowest(first: Bound, second: Bound): Bound {
  return first === undefined || second === undefined ? (first ?? second) : Math.min(first, second);
}

/** The surface under what a handler or a caller says beside it: the higher floor and the lower cap hold. */
export function tightenSurface(surface: PolicySurface, by: SurfaceTightening): PolicySurface {
  if (TIGHTENING_KEYS.every((key) => by[key] === undefined)) return surface;
  return {
    ...surface,
    qualityFloor: highest(surface.qualityFloor, by.qualityFloor),
    safetyFloor: highest(surface.safetyFloor, by.safetyFloor),
    latencySloMs: lowest(surface.latencySloMs, by.latencySloMs),
    maxCostPerRequest: lowest(surface.maxCostPerRequest, by.maxCostPerRequest),
    maxOutputTokens: lowest(surface.maxOutputTokens, by.maxOutputTokens),
  };
}

/** A limit that is none: `qualityFloor: 60` would leave no model, `NaN` every one. */
export interface TighteningFault {
  readonly key: keyof SurfaceTightening;
  readonly message: string;
}

const ALLOWED: Readonly<
  Record<keyof SurfaceTightening, { readonly holds: (value: number) => boolean; readonly message: string }>
> = {
  qualityFloor: { holds: (value) => value >= 0 && value <= 1, message: 'must be a number from 0 to 1' },
  safetyFloor: { holds: (value) => value >= 0 && value <= 1, message: 'must be a number from 0 to 1' },
  latencySloMs: { holds: (value) => value >= 1, message: 'must be a number of milliseconds, 1 or more' },
  maxCostPerRequest: { holds: (value) => value >= 0, message: 'must be a number of dollars, 0 or more' },
  maxOutputTokens: {
    holds: (value) => Number.isInteger(value) && value >= 1,
    message: 'must be a whole number, 1 or more',
  },
};

const TIGHTENING_KEYS = Object.keys(ALLOWED) as (keyof SurfaceTightening)[];

/** What code gives, the compiler may not have seen: `Number(process.env.UNSET)` is a number too. */
export function findTighteningFaults(by: SurfaceTightening): TighteningFault[] {
  return TIGHTENING_KEYS.flatMap((key) => {
    const value: unknown = by[key];
    const { holds, message } = ALLOWED[key];
    const isSound =
      value === undefined || (typeof value === 'number' && Number.isFinite(value) && holds(value));
    return isSound ? [] : [{ key, message }];
  });
}
