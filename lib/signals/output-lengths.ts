/** An answer that is followed by so many weighs half as much. */
const HALF_LIFE_ANSWERS = 128;
const DECAY = 0.5 ** (1 / HALF_LIFE_ANSWERS);
/** A mean of fewer is chance. */
const MIN_ANSWERS = 5;
/** Classes come from the configuration; reloads may bring others. */
const MAX_CLASSES = 256;

/** How long answers usually are, by request class. Bounded memory. */
export class OutputLengths {
  readonly #classes = new Map<string, { weight: number; mean: number }>();

  add(requestClass: string, tokens: number): void {
    let known = this.#classes.get(requestClass);
    if (known === undefined) {
      if (this.#classes.size >= MAX_CLASSES) return;
      known = { weight: 0, mean: 0 };
      this.#classes.set(requestClass, known);
    }
    known.weight = known.weight * DECAY + 1;
    known.mean += (tokens - known.mean) / known.weight;
  }

  /** In tokens; undefined: too few answers were seen. */
  usual(requestClass: string): number | undefined {
    const known = this.#classes.get(requestClass);
    return known === undefined || known.weight < MIN_ANSWERS * 0.95 ? undefined : known.mean;
  }
}
