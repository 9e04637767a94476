import type { BudgetPolicy } from '../cost/index.js';
import type { PolicyRule, PolicySurface } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';

/** What is called without a price costs nothing in the ledger, and no budget would ever tell. */
export function warnUnpriced(
  { surfaces: ofSurfaces, tenants, keys, defaultTenant }: BudgetPolicy,
  rules: Iterable<PolicyRule>,
  surfaces: Iterable<PolicySurface>,
  notes: ProofNotes,
): void {
  if (ofSurfaces.size + tenants.size + keys.size + defaultTenant.length === 0) return;
  const pinned = [...surfaces].flatMap(({ pin }) => pin ?? []);
  const ruled = [...rules].flatMap(({ tiers }) => tiers.flatMap(({ models }) => models));
  for (const { name, deployments } of new Set([...ruled, ...pinned])) {
    if (deployments.every(({ price }) => price !== undefined)) continue;
    notes.warn(`models.${name}.price`, 'is not known: its calls count nothing against any budget');
  }
}
