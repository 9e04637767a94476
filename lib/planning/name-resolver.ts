import { type Catalog, isEmbeddingModel, qualityOf } from '../catalog/index.js';
import type { ModelPrice } from '../catalog/catalog-model.js';
import { didYouMean, type LlmRouterConfiguration } from '../config/index.js';
import { homeApi } from './compile-models.js';
import type { PolicyModel } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';

/** Fine-tuned ids and dated snapshots name one exact model. */
export function bindsByName(name: string, catalog: Catalog): boolean {
  return name.startsWith('ft:') || catalog.isDatedSnapshot(name);
}

/** Names to models: the user's own first, then the catalogue's names and aliases. */
export class NameResolver {
  readonly #names = new Map<string, string>();

  constructor(
    configuration: LlmRouterConfiguration,
    private readonly catalog: Catalog,
    private readonly models: ReadonlyMap<string, PolicyModel>,
  ) {
    for (const name of [...catalog.names(), ...catalog.snapshotNames(), ...catalog.aliases().keys()]) {
      const facts = catalog.find(name);
      if (facts !== undefined) this.#names.set(name, facts.name);
    }
    for (const name of Object.keys(configuration.models ?? {})) this.#names.set(name, name);
  }

  all(): ReadonlyMap<string, string> {
    return this.#names;
  }

  isModel(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether a known name is that of a model that makes vectors and answers no chat, served by somebody or not. */
  makesEmbeddings(name: string): boolean {
    const canonical = this.#names.get(name) ?? name;
    const model = this.models.get(canonical);
    const capabilities =
      model === undefined ? this.catalog.find(canonical)?.capabilities : model.capabilities;
    return capabilities !== undefined && isEmbeddingModel(capabilities);
  }

  /** The model a rule or surface names; a name nobody knows is an error, one nobody serves is undefined. */
  resolve(name: string, path: string, notes: ProofNotes): PolicyModel | undefined {
    const canonical = this.#names.get(name);
    if (canonical === undefined) {
      notes.error(path, `there is no model "${name}".${didYouMean(name, this.#names.keys())}`);
      return undefined;
    }
    return this.models.get(canonical);
  }

  /** The list prices a model has, at its deployments or, where nobody serves it, in the catalogue. */
  prices(name: string): ModelPrice[] {
    const canonical = this.#names.get(name) ?? name;
    const deployments = this.models.get(canonical)?.deployments;
    const prices = deployments?.map(({ price }) => price) ?? [this.catalog.find(canonical)?.price];
    return prices.filter((price) => price !== undefined);
  }

  /** A floor's number: its own, or the quality of the model it names. */
  floor(
    value: number | string | undefined,
    kind: 'quality' | 'safety',
    path: string,
    notes: ProofNotes,
  ): number | undefined {
    if (value === undefined || typeof value === 'number') return value;
    const canonical = this.#names.get(value);
    if (canonical === undefined) {
      notes.error(
        path,
        `must be a number from 0 to 1 or a model's name; there is no model "${value}".${didYouMean(value, this.#names.keys())}`,
      );
      return undefined;
    }
    const facts = this.catalog.find(canonical);
    const model = this.models.get(canonical);
    const rating =
      kind === 'safety'
        ? model?.safety
        : (model?.quality ?? (facts === undefined ? undefined : qualityOf(facts)?.value));
    if (rating === undefined) {
      notes.error(
        path,
        `the model "${value}" has no ${kind} rating: give a number, or add \`models.${canonical}.${kind}: <0 to 1>\``,
      );
    }
    return rating;
  }

  /** What to write so that a known model can be called. */
  howToServe(name: string): string {
    return this.whyNotCallable(name) || `name its provider: \`models.${name}: { provider: … }\``;
  }

  /** Why a known model cannot be called. */
  whyNotCallable(name: string): string {
    const facts = this.catalog.find(name);
    return facts === undefined ? '' : homeApi(facts).replace(/^, or /, '');
  }
}
