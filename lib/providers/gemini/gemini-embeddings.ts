import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { EmbeddingsCall, EmbeddingsWire, TranslatedEmbeddings } from '../embeddings-wire.js';
import { isJsonObject, listOf, objectOf } from '../json-reading.js';
import { fromGeminiErrorObject } from './from-gemini-error.js';
import { fromGeminiUsage } from './from-gemini-usage.js';

/**
 * Embeddings of the Gemini API (`:batchEmbedContents`, https://ai.google.dev/api/embeddings).
 *
 * Refused: inputs given as tokens, which are OpenAI's own.
 * Lost: `user`. Changed: vectors shortened by `dimensions` come back at a length other than 1 (Google says so of all but
 * the full size); they are brought to 1, as OpenAI's are, because clients compare them by dot product.
 */
export const geminiEmbeddings: EmbeddingsWire = {
  buildRequest({ upstreamModel, request }) {
    const model = upstreamModel.includes('/') ? upstreamModel : `models/${upstreamModel}`;
    const { dimensions, input } = request;
    return {
      path: `/v1beta/${model.split('/').map(encodeURIComponent).join('/')}:batchEmbedContents`,
      headers: {},
      body: {
        requests: input.map((text: unknown) => {
          if (typeof text !== 'string') {
            throw new InvalidRequestError('This model takes texts, and no tokens.', 'input');
          }
          return {
            model,
            content: { parts: [{ text }] },
            ...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
          };
        }),
      },
    };
  },
  parseAnswer: fromGeminiEmbeddings,
};

function fromGeminiEmbeddings(body: unknown, call: EmbeddingsCall): TranslatedEmbeddings {
  if (!isJsonObject(body)) throw new ProviderError({ kind: 'bad_response' });
  if (body.error !== undefined) throw fromGeminiErrorObject(body);
  const vectors = listOf(body.embeddings).map((entry) => {
    const values = listOf(objectOf(entry)?.values);
    if (values.length === 0 || !values.every(isFiniteNumber)) {
      throw new ProviderError({ kind: 'bad_response' });
    }
    return call.request.dimensions === undefined ? values : toUnitLength(values);
  });
  if (vectors.length !== call.request.input.length) {
    throw new ProviderError({ kind: 'bad_response', providerCode: 'missing_embeddings' });
  }
  return { vectors, model: call.upstreamModel, usage: fromGeminiUsage(body.usageMetadata) };
}

/** JSON can say 1e999, and then not write it again. */
function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function toUnitLength(values: readonly number[]): readonly number[] {
  // Not hypot: a vector as long as an upstream likes is more arguments than a call may have.
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length === 0 || length === Infinity ? values : values.map((value) => value / length);
}
