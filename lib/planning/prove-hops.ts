import type { ModelCapability } from '../catalog/catalog-model.js';
import type { PolicyModel, PolicyRule } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';

/** What clients use without asking; the lack of the others is met with when somebody needs them. */
const EXPECTED: readonly ModelCapability[] = [
  'streaming',
  'tools',
  'json_schema',
  'vision',
  'documents',
  'audio',
];

function windowOf(model: PolicyModel): number {
  return Math.max(...model.deployments.map(({ contextWindow }) => contextWindow ?? Number.POSITIVE_INFINITY));
}

function canDo(model: PolicyModel, capability: ModelCapability): boolean {
  return model.capabilities?.has(capability) ?? true;
}

/** Warns of each fallback that can take only part of what the tiers before it take, and names the part. */
export function proveHops(rules: ReadonlyMap<string, PolicyRule>, notes: ProofNotes): void {
  for (const rule of rules.values()) {
    const before: PolicyModel[] = [];
    for (const { tier, models } of rule.tiers) {
      for (const model of before.length === 0 ? [] : models) {
        const cannot: string[] = [];
        const widest = Math.max(...before.map(windowOf));
        if (windowOf(model) < widest) {
          cannot.push(
            `prompts over its window of ${windowOf(model)} tokens (before it: ${Number.isFinite(widest) ? widest : 'unchecked'})`,
          );
        }
        const lacks = EXPECTED.filter(
          (capability) =>
            !canDo(model, capability) &&
            before.some((earlier) => earlier.capabilities !== undefined && canDo(earlier, capability)),
        );
        if (lacks.length > 0) cannot.push(`requests with ${lacks.join(', ')}`);
        if (cannot.length > 0) {
          notes.warn(
            `routingRules.${rule.name} (${tier})`,
            `"${model.name}" cannot take ${cannot.join('; ')}`,
          );
        }
      }
      before.push(...models);
    }
  }
}
