import { type BudgetOptions, type LlmRouterConfiguration, nameOfKey } from '../config/index.js';
import type { Budget, BudgetPolicy } from '../cost/index.js';
import type { ProofNotes } from './proof-notes.js';

type Given = BudgetOptions | readonly BudgetOptions[] | undefined;
type Subject = Pick<Budget, 'scope' | 'subject' | 'name'>;

/** The budgets of surfaces, tenants and keys, by whose they are. */
export function compileBudgets(configuration: LlmRouterConfiguration, notes: ProofNotes): BudgetPolicy {
  const { budgets, surfaces = {}, http } = configuration;
  const compile = (given: Given, subject: Subject, path: string): readonly Budget[] => {
    const list =
      given === undefined ? [] : Array.isArray(given) ? (given as BudgetOptions[]) : [given as BudgetOptions];
    list.forEach(({ per }, index) => {
      if (list.findIndex((other) => other.per === per) < index) {
        notes.error(
          `${path}[${index}].per`,
          `there is a budget per ${per} already: one a day and one a month at most`,
        );
      }
    });
    return list.map(({ usd, per, onExceeded }) => ({ ...subject, per, limitUsd: usd, onExceeded }));
  };
  const mapOf = (
    entries: readonly (readonly [string, readonly Budget[]])[],
  ): Map<string, readonly Budget[]> => new Map(entries.filter(([, list]) => list.length > 0));
  return {
    timezone: budgets.timezone,
    maxTenants: budgets.maxTenants,
    surfaces: mapOf(
      Object.entries(surfaces).map(([name, { budget }]) => [
        name,
        compile(budget, { scope: 'surface', subject: name, name }, `surfaces.${name}.budget`),
      ]),
    ),
    tenants: mapOf(
      Object.entries(budgets.tenants ?? {}).map(([name, given]) => [
        name,
        compile(given, { scope: 'tenant', subject: name, name }, `budgets.tenants.${name}`),
      ]),
    ),
    keys: mapOf(
      (http.apiKeys ?? []).map(({ key, budget }, index) => {
        const path = `http.apiKeys[${index}]`;
        const subject = nameOfKey(key);
        return [subject, compile(budget, { scope: 'key', subject, name: path }, `${path}.budget`)];
      }),
    ),
    defaultTenant: compile(
      budgets.defaultTenant,
      { scope: 'tenant', subject: '', name: '' },
      'budgets.defaultTenant',
    ),
  };
}
