/** A model of Vertex AI as it stands in a path: `publishers/{publisher}/models/{model}`. */
export interface VertexModel {
  readonly publisher: 'google' | 'anthropic';
  readonly model: string;
}

/** Also keeps a name from leading elsewhere in a path. */
const MODEL = /^[A-Za-z0-9][\w.@-]{0,127}$/;

/**
 * Reads the name of a model at Vertex AI: `gemini-2.5-pro`, `claude-sonnet-4-5@20250929`, with the publisher before it
 * (`google/…`, `anthropic/…`), or in full (`publishers/google/models/…`). Undefined for other publishers, whose models
 * Vertex serves at its OpenAI-compatible endpoint.
 */
export function readVertexModel(name: string): VertexModel | undefined {
  const [, publisher, model] =
    /^publishers\/([^/]+)\/models\/([^/]+)$/.exec(name) ?? /^(?:([^/]+)\/)?([^/]+)$/.exec(name) ?? [];
  if (model === undefined || !MODEL.test(model)) return undefined;
  const named = publisher ?? (/^claude/i.test(model) ? 'anthropic' : 'google');
  return named === 'google' || named === 'anthropic' ? { publisher: named, model } : undefined;
}
