import { inspect } from 'node:util';
import {
  APICallError,
  EmptyResponseBodyError,
  InvalidArgumentError,
  InvalidPromptError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  LoadSettingError,
  NoContentGeneratedError,
  NoSuchModelError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../errors/provider-error.js';
import { fromAiSdkError } from './from-ai-sdk-error.js';

const SECRET = 'sk-secret';

function apiCallError(
  statusCode: number | undefined,
  body?: unknown,
  rest: Partial<ConstructorParameters<typeof APICallError>[0]> = {},
): APICallError {
  return new APICallError({
    message: 'What the SDK says',
    url: `https://${SECRET}.example.com/v1`,
    requestBodyValues: { prompt: SECRET },
    statusCode,
    responseBody: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
    ...rest,
    responseHeaders: { 'set-cookie': SECRET, ...rest.responseHeaders },
  });
}

describe('an error of the AI SDK', () => {
  it.each([
    [400, 'invalid_request'],
    [401, 'authentication'],
    [402, 'billing'],
    [403, 'permission'],
    [404, 'not_found'],
    [408, 'timeout'],
    [413, 'request_too_large'],
    [422, 'invalid_request'],
    [429, 'rate_limited'],
    [500, 'server_error'],
    [503, 'overloaded'],
    [529, 'overloaded'],
    // An answer that was no answer.
    [200, 'bad_response'],
  ])('of a call with status %i is %s', (status, kind) => {
    expect(fromAiSdkError(apiCallError(status, '<html>'))).toMatchObject({ kind, status });
  });

  it.each([
    ['openai', 429, { error: { code: 'insufficient_quota', message: 'm' } }, 'billing'],
    ['openai', 400, { error: { code: 'context_length_exceeded', message: 'm' } }, 'context_length'],
    [
      'anthropic',
      400,
      { type: 'error', error: { message: 'prompt is too long: 9 tokens' } },
      'context_length',
    ],
    ['google', 400, [{ error: { code: 400, message: 'input token count (9) exceeds' } }], 'context_length'],
    ['azure', 400, { error: { code: 'content_filter', message: 'm' } }, 'content_filter'],
  ])('of %s is told by its body too: %i', (_who, status, body, kind) => {
    expect(fromAiSdkError(apiCallError(status, body)).kind).toBe(kind);
  });

  it("carries the provider's sentence, code and field where the caller is to know them", () => {
    const error = fromAiSdkError(
      apiCallError(400, { error: { message: 'Too hot', code: 'bad', param: 'temperature' } }),
    );
    expect(error).toMatchObject({ kind: 'invalid_request', providerCode: 'bad', param: 'temperature' });
    expect(error.readProviderMessage()).toBe('Too hot');
    // Where no body came along, what the SDK has read out of it.
    const data = { error: { message: 'Too cold', code: 'bad' } };
    expect(fromAiSdkError(apiCallError(400, undefined, { data })).readProviderMessage()).toBe('Too cold');
    expect(fromAiSdkError(apiCallError(400)).readProviderMessage()).toBe('What the SDK says');
  });

  it('says when to come back, however its headers are written', () => {
    const responseHeaders = { 'Retry-After': '7' };
    expect(fromAiSdkError(apiCallError(429, '', { responseHeaders })).retryAfterMs).toBe(7_000);
  });

  it("is no fault of the caller's where the provider says that it may be tried again", () => {
    expect(fromAiSdkError(apiCallError(400, '{}', { isRetryable: true }))).toMatchObject({
      kind: 'server_error',
      status: 400,
    });
    expect(fromAiSdkError(apiCallError(500, '{}', { isRetryable: false })).kind).toBe('server_error');
  });

  it('without a status is a connection that did not come about', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(fromAiSdkError(apiCallError(undefined, undefined, { cause }))).toMatchObject({
      kind: 'connection',
      providerCode: 'ECONNREFUSED',
    });
    expect(fromAiSdkError(apiCallError(undefined)).kind).toBe('connection');
  });

  it.each([
    [new LoadAPIKeyError({ message: SECRET }), 'authentication'],
    [new LoadSettingError({ message: SECRET }), 'authentication'],
    [new NoSuchModelError({ modelId: SECRET, modelType: 'languageModel' }), 'not_found'],
    [new UnsupportedFunctionalityError({ functionality: SECRET }), 'bad_response'],
    [new InvalidPromptError({ prompt: SECRET, message: SECRET }), 'invalid_request'],
    [new InvalidArgumentError({ argument: SECRET, message: SECRET }), 'invalid_request'],
    [new InvalidResponseDataError({ data: SECRET }), 'bad_response'],
    [new EmptyResponseBodyError(), 'bad_response'],
    [new NoContentGeneratedError(), 'bad_response'],
    [new JSONParseError({ text: SECRET, cause: new Error(SECRET) }), 'bad_response'],
    [new TypeValidationError({ value: SECRET, cause: new Error(SECRET) }), 'bad_response'],
  ])('%#: told by its name', (error, kind) => {
    const mapped = fromAiSdkError(error);
    expect(mapped.kind).toBe(kind);
    // Where the request was never made, nothing was generated.
    const isAnswer = kind === 'bad_response' && mapped.providerCode !== 'unsupported_functionality';
    expect(mapped.status).toBe(isAnswer ? 200 : undefined);
    expect(inspect(mapped, { showHidden: true, depth: 9 })).not.toContain(SECRET);
  });

  it('of several tries is the last', () => {
    const retry = Object.assign(new Error('Failed after 3 attempts'), { lastError: apiCallError(429) });
    expect(fromAiSdkError(retry).kind).toBe('rate_limited');
  });

  it.each([
    ["a gateway's", Object.assign(new Error('x'), { statusCode: 403 }), 'permission', undefined],
    ['with `status`', Object.assign(new Error('x'), { status: 503 }), 'overloaded', undefined],
    ['an abort that is not ours', new DOMException('x', 'AbortError'), 'timeout', 'aborted_by_provider'],
    ['a timeout', new DOMException('x', 'TimeoutError'), 'timeout', 'aborted_by_provider'],
    [
      'a lost connection',
      new TypeError('terminated', { cause: Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }) }),
      'connection',
      'ECONNRESET',
    ],
    ['a fault of the model', new TypeError('x is not a function'), 'server_error', 'TypeError'],
    ['a text', 'The model is overloaded', 'server_error', undefined],
    ['an object of the stream', { error: { type: 'overloaded_error' } }, 'overloaded', 'overloaded_error'],
    ['nothing', undefined, 'server_error', undefined],
  ])('%s', (_what, error, kind, code) => {
    expect(fromAiSdkError(error)).toMatchObject({ kind, providerCode: code });
  });

  it('is none where it is ours already', () => {
    const error = new ProviderError({ kind: 'stream_cut' });
    expect(fromAiSdkError(error)).toBe(error);
  });

  it('shows nothing of the original, whichever way it is looked at', () => {
    for (const status of [undefined, 200, 400, 401, 429, 500]) {
      for (const body of [{ error: { message: SECRET } }, SECRET, undefined]) {
        const cause = Object.assign(new Error(SECRET), { headers: SECRET });
        const mapped = fromAiSdkError(apiCallError(status, body, { cause, message: SECRET }));
        expect(mapped.cause).toBeUndefined();
        const shown = inspect(mapped, { showHidden: true, depth: 9 });
        expect(`${shown}${JSON.stringify(mapped)}${String(mapped)}`).not.toContain(SECRET);
      }
    }
  });

  it('is a ProviderError, whatever was thrown', () => {
    const value = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
    const fields = fc.record(
      {
        name: fc.oneof(value, fc.constantFrom('AI_APICallError', 'AI_RetryError')),
        message: value,
        statusCode: fc.oneof(value, fc.integer({ min: 0, max: 700 })),
        responseHeaders: fc.oneof(value, fc.dictionary(fc.string(), value)),
        responseBody: fc.oneof(value, fc.json()),
        data: value,
        isRetryable: value,
        lastError: value,
        cause: value,
        code: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(value, fields), fc.boolean(), (thrown, isError) => {
        const error: unknown =
          isError && typeof thrown === 'object' && thrown !== null
            ? Object.defineProperties(new Error('x'), Object.getOwnPropertyDescriptors(thrown))
            : thrown;
        const mapped = fromAiSdkError(error);
        expect(mapped).toBeInstanceOf(ProviderError);
        expect(mapped.providerCode ?? '').toMatch(/^[A-Za-z0-9_.-]{0,64}$/);
      }),
      { numRuns: 500 },
    );
    const circle: Record<string, unknown> = { name: 'AI_RetryError' };
    circle.lastError = circle;
    expect(fromAiSdkError(circle)).toBeInstanceOf(ProviderError);
    const hostile = new Proxy(new Error('x'), {
      get: () => {
        throw new Error(SECRET);
      },
    });
    expect(fromAiSdkError(hostile)).toMatchObject({ providerCode: 'unreadable_error' });
  });

  it('lets another model be asked where this one lacks a function', () => {
    const error = fromAiSdkError(new UnsupportedFunctionalityError({ functionality: 'images' }));
    expect(error).toMatchObject({ providerCode: 'unsupported_functionality', isRetryable: true });
  });
});
