import type { CreateEmbeddingResponse, EmbeddingCreateParams } from 'openai/resources/embeddings';

/**
 * An embeddings request as OpenAI's endpoint takes it.
 *
 * @publicApi
 */
export type EmbeddingRequest = Omit<EmbeddingCreateParams, 'model'> & { model: string };

/**
 * Vectors in the order of the inputs, as OpenAI's endpoint gives them: numbers, or base64 of 32-bit floats where that was
 * asked for.
 *
 * @publicApi
 */
export type EmbeddingResponse = Omit<CreateEmbeddingResponse, 'data'> & {
  data: { object: 'embedding'; index: number; embedding: number[] | string }[];
};

/** An embeddings request that has passed the one validation; the input is always a list. */
export interface ValidatedEmbeddingRequest {
  readonly model: string;
  /** Texts, or texts as tokens of the model's own vocabulary. */
  readonly input: readonly string[] | readonly (readonly number[])[];
  readonly encodingFormat: 'float' | 'base64';
  readonly dimensions: number | undefined;
  readonly user: string | undefined;
  /** Fields beyond OpenAI's, for servers of its shape that know them. */
  readonly extras: Readonly<Record<string, unknown>>;
}
