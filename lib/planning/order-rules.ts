import { BUILT_IN_CLASSES } from '../classification/index.js';
import type { PolicyRule } from './policy-snapshot.js';

/** For each class the rules in the order tried: its own and the harder ones, or the hardest where it has none. */
export function orderRules(rules: ReadonlyMap<string, PolicyRule>): Map<string, readonly PolicyRule[]> {
  const ladder = BUILT_IN_CLASSES.map((name) => rules.get(name));
  const order = new Map<string, readonly PolicyRule[]>();
  BUILT_IN_CLASSES.forEach((name, index) => {
    const harder = ladder.slice(index).filter((rule) => rule !== undefined);
    const easier = ladder.slice(0, index).filter((rule) => rule !== undefined);
    order.set(name, harder.length > 0 ? harder : easier.slice(-1));
  });
  for (const [name, rule] of rules) if (!order.has(name)) order.set(name, [rule]);
  return order;
}
