import { computeAliases } from './aliases.js';
import type { CatalogModel } from './catalog-model.js';
import { CATALOG_MODELS } from './models.js';
import { MODEL_SNAPSHOTS } from './snapshots.js';

/** A month and a day (`0613`, `1106`) or a year and a month (`2407`, `2512`). */
const FOUR_DIGITS = '(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])|2[3-9](?:0[1-9]|1[0-2]))';
const EIGHT_DIGITS = '20\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])';
const WITH_DASHES = '20\\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])';
/** Google's: `-preview-06-05`, `-preview-09-2025`, and the numbered `-001`. */
const GOOGLES = 'preview-\\d{2}-(?:\\d{2}|\\d{4})|00\\d';
const DATED = new RegExp(`-(?:${WITH_DASHES}|${EIGHT_DIGITS}|${FOUR_DIGITS}|${GOOGLES})(?:-preview)?$`);

/** The models of the world by name. Looked up in Maps: `__proto__` is a name like any other, and unknown. */
export class Catalog {
  readonly #models: ReadonlyMap<string, CatalogModel>;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #snapshots = new Map<string, CatalogModel>();

  /** @param models - Defaults to the shipped catalogue. */
  constructor(models: readonly CatalogModel[] = CATALOG_MODELS) {
    this.#models = new Map(models.map((model) => [model.name, model]));
    this.#aliases = computeAliases(models);
    for (const [name, snapshots] of MODEL_SNAPSHOTS) {
      const model = this.#models.get(name);
      // The facts are the model's, the name is the snapshot's: it is what the provider is asked for.
      for (const snapshot of model === undefined ? [] : snapshots) {
        if (!this.#models.has(snapshot))
          this.#snapshots.set(snapshot, { ...model, name: snapshot } as CatalogModel);
      }
    }
  }

  /** The model of a name, an alias or a known dated snapshot; case matters. */
  find(name: string): CatalogModel | undefined {
    return (
      this.#models.get(name) ?? this.#models.get(this.#aliases.get(name) ?? '') ?? this.#snapshots.get(name)
    );
  }

  /** Dated ids that share a model's facts and are no entries of their own. */
  snapshotNames(): string[] {
    return [...this.#snapshots.keys()];
  }

  /** Names of all models, without aliases, in the catalogue's order. */
  names(): string[] {
    return [...this.#models.keys()];
  }

  /** Alias to model name. */
  aliases(): ReadonlyMap<string, string> {
    return this.#aliases;
  }

  /**
   * Whether a name, known or not, is that of one fixed version of a model (`gpt-4o-2024-08-06`,
   * `claude-3-haiku-20240307`, `gpt-4-0613`, `gpt-4-1106-preview`, `gemini-2.0-flash-001`): who names one wants that and
   * no other.
   */
  isDatedSnapshot(name: string): boolean {
    return DATED.test(name);
  }
}
