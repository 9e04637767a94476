import { mixedPricePer1k } from '../cost/index.js';
import type { NameResolver } from './name-resolver.js';
import type { PolicyBaseline } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';

/** The model savings are measured against. Nobody need serve it, but a price it must have. */
export function compileBaseline(
  name: string | undefined,
  names: NameResolver,
  notes: ProofNotes,
): PolicyBaseline | undefined {
  if (name === undefined) return undefined;
  const model = names.all().get(name);
  if (model === undefined) {
    // Notes the unknown name, with "did you mean".
    names.resolve(name, 'baseline', notes);
    return undefined;
  }
  if (names.makesEmbeddings(name)) {
    notes.error('baseline', `"${name}" makes embeddings and answers no chat`);
    return undefined;
  }
  // The cheapest where its deployments differ: savings are not to be flattered.
  const [price] = names
    .prices(name)
    .toSorted((first, second) => mixedPricePer1k(first) - mixedPricePer1k(second));
  if (price === undefined) {
    notes.error(
      'baseline',
      `no price is known of "${name}": add \`models.${model}.price: { inputPer1M, outputPer1M }\``,
    );
    return undefined;
  }
  return { model, price };
}
