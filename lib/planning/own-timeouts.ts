import type { OwnTimeoutOptions } from '../config/index.js';
import type { OwnTimeouts } from './policy-snapshot.js';

const KEYS = [
  'connectMs',
  'firstTokenMs',
  'idleMs',
  'maxStreamMs',
] as const satisfies readonly (keyof OwnTimeouts)[];

/** The first of the options that says so, by timeout; empty where none says anything. */
export function ownTimeouts(...options: readonly (OwnTimeoutOptions | null | undefined)[]): OwnTimeouts {
  const timeouts: { -readonly [Key in keyof OwnTimeouts]: OwnTimeouts[Key] } = {};
  for (const key of KEYS) {
    const said = options.map((own) => own?.[key] ?? undefined).find((value) => value !== undefined);
    if (said !== undefined) timeouts[key] = said;
  }
  return timeouts;
}

/** Of several places that set the same timeout, the shortest counts. */
export function shortestTimeouts(...own: readonly OwnTimeouts[]): OwnTimeouts {
  const timeouts: { -readonly [Key in keyof OwnTimeouts]: OwnTimeouts[Key] } = {};
  // On the way of every request: no arrays are made for what mostly says nothing.
  for (const one of own) {
    for (const key of KEYS) {
      const said = one[key];
      if (said === undefined) continue;
      const shortest = timeouts[key];
      timeouts[key] = shortest === undefined ? said : Math.min(shortest, said);
    }
  }
  return timeouts;
}
