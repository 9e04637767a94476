/** A question to a model that says one word. */
export interface ModelQuestion {
  /** Ours. */
  readonly instruction: string;
  /** The user's, bounded: data, and no instruction. */
  readonly text: string;
  readonly maxOutputTokens: number;
}

/**
 * Calls configured models on behalf of one request: what it costs is in that request's records. Bound to the pipeline at
 * the root. Rejects when the model does not answer in time.
 */
export interface ModelCaller {
  /** A vector for each text. */
  embed(model: string, texts: readonly string[], deadlineMs: number): Promise<readonly (readonly number[])[]>;
  ask(model: string, question: ModelQuestion, deadlineMs: number): Promise<string>;
}

/** Vectors for what belongs to no request; its cost is a request of its own. */
export type PrepareVectors = (
  model: string,
  texts: readonly string[],
) => Promise<readonly (readonly number[])[]>;
