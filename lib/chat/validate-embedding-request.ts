import { type ChatLimits, DEFAULT_CHAT_LIMITS } from './chat-limits.js';
import { checkDepth } from './check-depth.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { ValidatedEmbeddingRequest } from './embedding-types.js';

/** OpenAI's own limits: inputs of a request, and the largest `dimensions` anybody has. */
const MAX_INPUTS = 2_048;
const MAX_DIMENSIONS = 65_536;
const OWN_FIELDS: ReadonlySet<string> = new Set(['model', 'input', 'encoding_format', 'dimensions', 'user']);

function fail(param: string, expectation: string): never {
  throw new InvalidRequestError(`\`${param}\` ${expectation}.`, param);
}

const isToken = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(isToken);

/** A text, a list of texts, a list of tokens, or a list of such lists. */
function readInput(input: unknown): readonly string[] | readonly (readonly number[])[] {
  if (typeof input === 'string') {
    if (input === '') fail('input', 'must not be an empty string');
    return [input];
  }
  if (!Array.isArray(input)) {
    fail('input', 'is required: a string, a list of strings, or token arrays');
  }
  if (input.length === 0) fail('input', 'must not be empty');
  if (isTokens(input)) return [input];
  if (input.length > MAX_INPUTS) fail('input', `must have at most ${MAX_INPUTS} entries`);
  const isTexts = typeof input[0] === 'string';
  input.forEach((entry: unknown, index) => {
    if (entry === '') fail(`input[${index}]`, 'must not be an empty string');
    const isRight = isTexts ? typeof entry === 'string' : isTokens(entry);
    if (!isRight) fail(`input[${index}]`, isTexts ? 'must be a string' : 'must be a list of tokens');
  });
  return input as string[] | number[][];
}

/**
 * The one validation of an embeddings request, the same for HTTP and for injected callers.
 *
 * @throws {@link InvalidRequestError} naming the field.
 */
export function validateEmbeddingRequest(
  value: unknown,
  limits: ChatLimits = DEFAULT_CHAT_LIMITS,
): ValidatedEmbeddingRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidRequestError('The request body must be a JSON object.');
  }
  const request: Readonly<Record<string, unknown>> = { ...value };
  // Tokens are numbers: what is nested stands in fields that only servers of other makers know.
  checkDepth({ ...request, input: undefined }, limits.jsonDepth);
  const { model, encoding_format: format, dimensions, user } = request;
  if (typeof model !== 'string' || model.trim() === '' || model.length > 256) {
    fail('model', 'is required: the name of a model that makes embeddings');
  }
  if (format !== undefined && format !== null && format !== 'float' && format !== 'base64') {
    fail('encoding_format', 'must be "float" or "base64"');
  }
  const isDimensions = Number.isSafeInteger(dimensions) && Number(dimensions) >= 1;
  if (
    dimensions !== undefined &&
    dimensions !== null &&
    !(isDimensions && Number(dimensions) <= MAX_DIMENSIONS)
  ) {
    fail('dimensions', 'must be a whole number of at least 1');
  }
  if (user !== undefined && user !== null && typeof user !== 'string') fail('user', 'must be a string');
  return {
    model,
    input: readInput(request.input),
    sentInput: request.input,
    encodingFormat: format === 'base64' ? 'base64' : 'float',
    dimensions: typeof dimensions === 'number' ? dimensions : undefined,
    user: typeof user === 'string' ? user : undefined,
    extras: Object.fromEntries(Object.entries(request).filter(([name]) => !OWN_FIELDS.has(name))),
  };
}
