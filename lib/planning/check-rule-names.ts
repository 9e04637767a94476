import { BUILT_IN_CLASSES } from '../classification/index.js';
import { suggest } from '../config/index.js';
import { CLASSIFICATION_CLASS, EMBEDDINGS_CLASS, HEALTH_PROBE } from './embeddings-class.js';
import type { ProofNotes } from './proof-notes.js';

/** Classes that the router itself makes, and what is counted under them. */
const COUNTED_UNDER: ReadonlyMap<string, string> = new Map([
  [EMBEDDINGS_CLASS, 'requests for vectors'],
  [CLASSIFICATION_CLASS, 'calls of the classification'],
  [HEALTH_PROBE, "calls of the providers' health"],
]);

/** `simpleQueries` and `Simple-Queries` can only mean `simple_queries`. */
function fold(name: string): string {
  return name.replace(/[-_\s]/g, '').toLowerCase();
}

/**
 * Names of rules are the user's own, and any but one is legal. One that is a built-in class but for a slip of the pen would
 * leave that class without its rule, and nobody would notice.
 */
export function checkRuleNames(
  names: readonly string[],
  notes: ProofNotes,
  /** Classes of the user's own, whose rules cannot be a slip of the pen. */
  produced: ReadonlySet<string> = new Set(),
): void {
  const missing = BUILT_IN_CLASSES.filter((name) => !names.includes(name));
  for (const name of names) {
    if (BUILT_IN_CLASSES.some((builtIn) => builtIn === name)) continue;
    const path = `routingRules.${name}`;
    const counted = COUNTED_UNDER.get(name);
    if (counted !== undefined) {
      notes.errorBeside(path, `is what ${counted} are counted under: give the rule another name`);
      continue;
    }
    if (produced.has(name)) continue;
    const same = missing.find((builtIn) => fold(builtIn) === fold(name));
    if (same !== undefined) {
      notes.errorBeside(path, `the class is spelt "${same}": names are not read in any other spelling`);
      continue;
    }
    const near = suggest(name, missing);
    if (near !== undefined) {
      notes.warn(
        path,
        `did you mean "${near}"? A rule of this name is reached only by a client that names it`,
      );
    }
  }
}
