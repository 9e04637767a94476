import type { SurfaceTightening } from './llm-request-context.js';

const FLOORS = ['qualityFloor', 'safetyFloor'] as const satisfies readonly (keyof SurfaceTightening)[];
const CAPS = [
  'latencySloMs',
  'maxCostPerRequest',
  'maxOutputTokens',
] as const satisfies readonly (keyof SurfaceTightening)[];

/** The names of all limits. */
export const TIGHTENING_KEYS: readonly (keyof SurfaceTightening)[] = [...FLOORS, ...CAPS];

/** Of two sets of limits what holds both: the higher floor, the lower cap. */
export function tighter(first: SurfaceTightening, second: SurfaceTightening): SurfaceTightening {
  const limits: { -readonly [Key in keyof SurfaceTightening]: number | undefined } = {};
  for (const key of FLOORS) limits[key] = both(first[key], second[key], Math.max);
  for (const key of CAPS) limits[key] = both(first[key], second[key], Math.min);
  return limits;
}

function both(
  first: number | undefined,
  second: number | undefined,
  choose: (first: number, second: number) => number,
): number | undefined {
  return first === undefined || second === undefined ? (first ?? second) : choose(first, second);
}
