import type { ExamplesPolicy } from './classification-policy.js';
import type { PrepareVectors } from './model-caller.js';
import { BadPlugInAnswer } from './plug-in-gate.js';

/** After a failure it is tried again so much later, and each time twice as much. */
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 300_000;

interface ExampleVector {
  readonly class: string;
  readonly vector: Float64Array;
}

/** What a text is most like. */
export interface Likeness {
  readonly class: string;
  /** Cosine of the angle. */
  readonly similarity: number;
}

/** The vectors of the examples: made once, when they are first needed; after a failure again, but not at once. */
export class ExampleVectors {
  #vectors: Promise<readonly ExampleVector[]> | undefined;
  #notBeforeMs = 0;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(
    private readonly policy: ExamplesPolicy,
    private readonly prepare: PrepareVectors,
  ) {}

  /** Undefined: they could not be made, and are not tried for yet. Rejects where they cannot be made now. */
  get(nowMs: number): Promise<readonly ExampleVector[]> | undefined {
    if (this.#vectors !== undefined) return this.#vectors;
    if (nowMs < this.#notBeforeMs) return undefined;
    const vectors = this.make();
    this.#vectors = vectors;
    vectors.catch(() => {
      this.#vectors = undefined;
      this.#notBeforeMs = Date.now() + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    });
    return vectors;
  }

  private async make(): Promise<readonly ExampleVector[]> {
    const { model, examples } = this.policy;
    const vectors = await this.prepare(
      model,
      examples.map(({ text }) => text),
    );
    return examples.map(({ class: name }, index) => ({ class: name, vector: unitVector(vectors[index]) }));
  }
}

/** The example that a vector is most like; undefined where its length is another. */
export function mostLike(
  vector: readonly number[] | undefined,
  examples: readonly ExampleVector[],
): Likeness {
  const unit = unitVector(vector);
  let best: Likeness | undefined;
  for (const example of examples) {
    if (example.vector.length !== unit.length) continue;
    let similarity = 0;
    for (let index = 0; index < unit.length; index += 1) {
      similarity += (unit[index] ?? 0) * (example.vector[index] ?? 0);
    }
    if (best === undefined || similarity > best.similarity) best = { class: example.class, similarity };
  }
  if (best === undefined) throw new BadPlugInAnswer();
  return best;
}

function unitVector(vector: readonly number[] | undefined): Float64Array {
  const values = Float64Array.from(vector ?? []);
  const length = Math.hypot(...values);
  if (!(length > 0 && Number.isFinite(length))) throw new BadPlugInAnswer();
  return values.map((value) => value / length);
}
