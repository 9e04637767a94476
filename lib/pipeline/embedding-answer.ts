import type { EmbeddingResponse, TokenUsage, ValidatedEmbeddingRequest } from '../chat/index.js';
import type { TranslatedEmbeddings } from '../providers/embeddings-wire.js';

const BYTES_PER_FLOAT = 4;

/** Vectors in OpenAI's shape, each in the encoding that was asked for, whatever the provider sent. */
export function embeddingAnswer(
  { vectors, model }: TranslatedEmbeddings,
  usage: TokenUsage,
  { encodingFormat }: ValidatedEmbeddingRequest,
): EmbeddingResponse {
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: encodingFormat === 'base64' ? toBase64(vector) : toNumbers(vector),
    })),
    model,
    usage: { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens },
  };
}

/** 32-bit floats, the lowest byte first, as OpenAI's clients read them. */
function toBase64(vector: readonly number[] | string): string {
  if (typeof vector === 'string') return vector;
  const bytes = Buffer.alloc(vector.length * BYTES_PER_FLOAT);
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * BYTES_PER_FLOAT));
  return bytes.toString('base64');
}

function toNumbers(vector: readonly number[] | string): number[] {
  if (typeof vector !== 'string') return [...vector];
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: Math.floor(bytes.length / BYTES_PER_FLOAT) }, (_, index) =>
    bytes.readFloatLE(index * BYTES_PER_FLOAT),
  );
}
