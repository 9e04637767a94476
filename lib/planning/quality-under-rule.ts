import type { PolicyModel, PolicyRule } from './policy-snapshot.js';

/** The quality that floors are held against: in the rule's kind of task, where it has one, or over all. */
export function qualityUnderRule(model: PolicyModel, rule: PolicyRule | undefined): number | undefined {
  return rule?.task === undefined ? model.quality : model.qualityByTask[rule.task];
}
