import type { ProviderQuirks } from '../../catalog/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { EmbeddingsCall, EmbeddingsWire, TranslatedEmbeddings } from '../embeddings-wire.js';
import { countOf, isJsonObject, listOf, nonEmptyTextOf, type JsonObject } from '../json-reading.js';
import { findOpenAiError, fromOpenAiErrorObject } from './from-openai-error.js';
import { fromOpenAiUsage } from './from-openai-usage.js';

const BYTES_PER_FLOAT = 4;

/** What of a provider's habits embeddings share. */
export type EmbeddingQuirks = Pick<ProviderQuirks, 'omittedFields' | 'renamedEmbeddingFields'>;

/**
 * Embeddings of OpenAI (`POST /embeddings`, https://platform.openai.com/docs/api-reference/embeddings) and of servers
 * that imitate it. Nothing is lost but what the provider refuses and no vector depends on (`user`). Some servers answer
 * with numbers whatever `encoding_format` says.
 *
 * @param toPath - Where it is, for the name of a model.
 * @param options - `prefersBase64`: it is asked for, whatever the client wants: a third of the size, and exact.
 * `quirks`: what the provider calls and refuses otherwise than OpenAI; undefined: nothing.
 */
export function openAiEmbeddings(
  toPath: (upstreamModel: string) => string,
  {
    prefersBase64,
    quirks,
  }: { readonly prefersBase64: boolean; readonly quirks?: EmbeddingQuirks | undefined },
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
          ...(encodingFormat === 'base64' || prefersBase64 ? { encoding_format: 'base64' } : {}),
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
  if (typeof embedding === 'string' && isBase64Vector(embedding)) return embedding;
  const isVector = Array.isArray(embedding) && embedding.length > 0 && embedding.every(isFiniteNumber);
  if (!isVector) throw new ProviderError({ kind: 'bad_response' });
  return embedding;
}

/** JSON can say 1e999, and then not write it again. */
function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

/** One 32-bit float or more, and nothing else. Lines, as MIME has them, are no fault: clients skip their ends. */
function isBase64Vector(text: string): boolean {
  // Trimmed first: two repetitions that both take line ends would try every way to share them.
  if (!/^[A-Za-z0-9+/\r\n]+={0,2}$/.test(text.trimEnd())) return false;
  const { length } = Buffer.from(text, 'base64');
  return length > 0 && length % BYTES_PER_FLOAT === 0;
}
