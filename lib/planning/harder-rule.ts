import { BUILT_IN_CLASSES } from '../classification/index.js';
import type { PolicyRule, PolicySnapshot } from './policy-snapshot.js';

const HARDEST = BUILT_IN_CLASSES.at(-1) ?? '';

/** The rule after this one in its class; a class of the user's own is followed by the hardest built-in one. */
export function harderRule(
  { rulesForClass, rules }: Pick<PolicySnapshot, 'rulesForClass' | 'rules'>,
  requestClass: string,
  rule: string,
): PolicyRule | undefined {
  const order = rulesForClass.get(requestClass) ?? [];
  const next = order[order.findIndex(({ name }) => name === rule) + 1];
  if (next !== undefined) return next;
  const hardest = rules.get(HARDEST);
  return hardest === undefined || hardest.name === rule || BUILT_IN_CLASSES.some((name) => name === rule)
    ? undefined
    : hardest;
}
