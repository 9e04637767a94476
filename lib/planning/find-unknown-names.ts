import { Catalog } from '../catalog/index.js';
import type { LlmRouterConfiguration } from '../config/index.js';
import type { ConfigurationIssue } from '../errors/configuration-error.js';
import { NameResolver } from './name-resolver.js';
import { ProofNotes } from './proof-notes.js';

/**
 * Models that rules and pins name and nobody knows, in a configuration that cannot be compiled: a misspelt model need
 * not wait until every other problem is mended.
 */
export function findUnknownNames(
  configuration: LlmRouterConfiguration,
  known: readonly ConfigurationIssue[],
): ConfigurationIssue[] {
  // Models that could not be read may be just those that are named.
  if (known.some(({ path }) => path === '' || path === 'models')) return [];
  const names = new NameResolver(configuration, new Catalog(), new Map());
  const notes = new ProofNotes();
  const look = (value: unknown, path: string): void => {
    // What has a wrong type or an unset variable in it has been named.
    if (known.some((issue) => issue.path === path)) return;
    if (typeof value === 'string') names.resolve(value, path, notes);
    else if (Array.isArray(value)) {
      value.forEach((entry: unknown, index) => {
        look(entry, value.length > 1 ? `${path}[${index}]` : path);
      });
    }
  };
  for (const [name, rule] of Object.entries(configuration.routingRules ?? {})) {
    for (const key of ['primary', 'fallback', 'emergency'] as const) {
      look(rule[key], `routingRules.${name}.${key}`);
    }
    rule.tiers?.forEach((tier, index) => {
      look(tier.models, `routingRules.${name}.tiers[${index}].models`);
    });
  }
  for (const [name, surface] of Object.entries(configuration.surfaces ?? {})) {
    look(surface.pin, `surfaces.${name}.pin`);
  }
  const { examples, judge } = configuration.classification;
  look(examples?.model, 'classification.examples.model');
  look(judge?.model, 'classification.judge.model');
  return notes.errors;
}
