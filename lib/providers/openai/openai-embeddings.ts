import type { ProviderQuirks } from '../../catalog/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { EmbeddingsCall, EmbeddingsWire, TranslatedEmbeddings } from '../embeddings-wire.js';
import { countOf, isJsonObject, listOf, nonEmptyTextOf, type JsonObject } from '../json-reading.js';
import { findOpenAiError, fromOpenAiErrorObject } from './from-openai-error.js';
import { fromOpenAiUsage } from './from-openai-usage.js';

/** What of a provider's habits embeddings share. */
export type EmbeddingQuirks = Pick<ProviderQuirks, 'omittedFields' | 'renamedEmbeddingFields'>;

/**
 * Embeddings of OpenAI (`POST /embeddings`, https://platform.openai.com/docs/api-reference/embeddings) and of servers
 * that imitate it. Nothing is lost but what the provider refuses and no vector depends on (`user`); `encoding_format` is sent
 * where it is `base64`, which some servers answer with numbers all the same.
 *
 * @param toPath - Where it is, for the name of a model.
 * @param quirks - What the provider calls and refuses otherwise than OpenAI. Undefined: nothing.
 */
export function openAiEmbeddings(
  toPath: (upstreamModel: string) => string,
  quirks?: EmbeddingQuirks,
): EmbeddingsWire {
  return {
    buildRequest({ upstreamModel, request }) {
      const { sentInput: input, encodingFormat, dimensions, user, extras } = request;
      return {
        path: toPath(upstreamModel),
        headers: {},
        body: {
          ...said({ ...extras, dimensions, user }, quirks),
          model: upstreamModel,
          input,
          ...(encodingFormat === 'base64' ? { encoding_format: encodingFormat } : {}),
        },
      };
    },
    parseAnswer: fromOpenAiEmbeddings,
  };
}

function said(fields: JsonObject, quirks: EmbeddingQuirks | undefined): JsonObject {
  const names = quirks?.renamedEmbeddingFields ?? {};
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name, value]) => value !== undefined && quirks?.omittedFields.includes(name) !== true)
      .map(([name, value]) => [Object.hasOwn(names, name) ? (names[name] ?? name) : name, value]),
  );
}

function fromOpenAiEmbeddings(body: unknown, call: EmbeddingsCall): TranslatedEmbeddings {
  if (!isJsonObject(body)) throw new ProviderError({ kind: 'bad_response' });
  const error = findOpenAiError(body);
  if (error !== undefined) throw fromOpenAiErrorObject(error);
  const entries = listOf(body.data).filter(isJsonObject);
  const vectors: (readonly number[] | string)[] = [];
  entries.forEach((entry, position) => {
    // Some servers answer out of order, some leave the number out.
    vectors[countOf(entry.index) ?? position] = vectorOf(entry);
  });
  const count = call.request.input.length;
  if (entries.length !== count || Object.keys(vectors).length !== count || vectors.length !== count) {
    throw new ProviderError({ kind: 'bad_response', providerCode: 'missing_embeddings' });
  }
  return {
    vectors,
    model: nonEmptyTextOf(body.model) ?? call.upstreamModel,
    usage: fromOpenAiUsage(body.usage)?.tokens,
  };
}

function vectorOf({ embedding }: JsonObject): readonly number[] | string {
  if (typeof embedding === 'string' && embedding !== '') return embedding;
  const isVector =
    Array.isArray(embedding) && embedding.length > 0 && embedding.every((value) => typeof value === 'number');
  if (!isVector) throw new ProviderError({ kind: 'bad_response' });
  return embedding;
}
