import { didYouMean } from '../config/index.js';
import { type LlmRequestContext, type SurfaceTightening, TIGHTENING_KEYS } from '../context/index.js';

/** The longest a timer can hold. */
const MAX_DEADLINE_MS = 2_147_483_647;
const WORKLOADS: ReadonlySet<unknown> = new Set(['interactive', 'background', undefined]);

/** What a handler or a caller says that cannot be meant: `qualityFloor: 60` would leave no model, `NaN` every one. */
export interface ContextFault {
  readonly key: string;
  /** To be read after the key. */
  readonly message: string;
}

const LIMITS: Readonly<
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

const CONTEXT_KEYS: Readonly<Record<keyof LlmRequestContext, true>> = {
  surface: true,
  workload: true,
  tenant: true,
  deadlineMs: true,
  sideEffects: true,
  qualityFloor: true,
  safetyFloor: true,
  latencySloMs: true,
  maxCostPerRequest: true,
  maxOutputTokens: true,
};
const KNOWN_KEYS: ReadonlySet<string> = new Set(Object.keys(CONTEXT_KEYS));
const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * What code gives, the compiler may not have seen: `Number(process.env.UNSET)` is a number too, and a floor under a
 * misspelt key would be none.
 *
 * @param allowed - Keys that may stand beside those of a context.
 */
export function findContextFaults(
  context: LlmRequestContext,
  allowed: ReadonlySet<string> = NO_KEYS,
): ContextFault[] {
  const faults: ContextFault[] = [];
  for (const [key, value] of Object.entries(context)) {
    if (value === undefined || KNOWN_KEYS.has(key) || allowed.has(key)) continue;
    const written = key.slice(0, 64);
    faults.push({ key: written, message: `is no option.${didYouMean(written, KNOWN_KEYS)}` });
  }
  const { deadlineMs, workload } = context;
  if (deadlineMs !== undefined && !(deadlineMs >= 1 && deadlineMs <= MAX_DEADLINE_MS)) {
    faults.push({
      key: 'deadlineMs',
      message: `must be a number of milliseconds from 1 to ${MAX_DEADLINE_MS}`,
    });
  }
  if (!WORKLOADS.has(workload)) {
    faults.push({ key: 'workload', message: 'must be "interactive" or "background"' });
  }
  if (context.sideEffects !== undefined && typeof context.sideEffects !== 'boolean') {
    faults.push({ key: 'sideEffects', message: 'must be true or false' });
  }
  for (const key of TIGHTENING_KEYS) {
    const value: unknown = context[key];
    const { holds, message } = LIMITS[key];
    const isSound =
      value === undefined || (typeof value === 'number' && Number.isFinite(value) && holds(value));
    if (!isSound) faults.push({ key, message });
  }
  return faults;
}
