import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import { ProviderError } from '../../errors/provider-error.js';
import { StreamInterruptedError } from '../../errors/stream-interrupted-error.js';
import { adapterFor, type ProviderApi } from '../adapter-registry.js';
import { brokenStreamOf } from './broken-answers.spec-support.js';
import { readChunks } from './read-ours.spec-support.js';
import { type Recording, scopeOf, streamsOf } from './recordings.spec-support.js';
import { ReplayBench } from './replay.spec-support.js';
import type { ConformanceReport } from './report.spec-support.js';

interface Meaning {
  readonly kind: ProviderErrorKind;
  /** The provider's own code. */
  readonly code?: string;
  readonly param?: string;
  readonly retryAfterMs?: number;
}

/** What each recorded error means, read off by hand: the recording's name without its hash. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  'anthropic.messages.error_400.anthropic-explicit-effort-xhigh-unsupported-model-errors': {
    kind: 'invalid_request',
    code: 'invalid_request_error',
  },
  'anthropic.messages.error_400.documented': { kind: 'invalid_request', code: 'invalid_request_error' },
  'anthropic.messages.error_402.documented': { kind: 'billing', code: 'billing_error' },
  'anthropic.messages.error_404.model-name-suggestion-anthropic': {
    kind: 'not_found',
    code: 'not_found_error',
  },
  'anthropic.messages.error_413.documented': { kind: 'request_too_large', code: 'request_too_large' },
  'anthropic.messages.error_429.documented': {
    kind: 'rate_limited',
    code: 'rate_limit_error',
    retryAfterMs: 17_000,
  },
  'anthropic.messages.error_500.documented': { kind: 'server_error', code: 'api_error' },
  'anthropic.messages.error_529.should-throw-an-api-error-when-the-server-is-returning-a-529': {
    kind: 'overloaded',
    code: 'overloaded_error',
  },
  'azure.chat.error_400.content-filter': { kind: 'content_filter', code: 'content_filter', param: 'prompt' },
  'azure.chat.error_404.chat-reasoning': { kind: 'not_found', code: 'DeploymentNotFound' },
  // The country is not served: the account's trouble, not the request's.
  'gemini.generateContent.error_400.documented': { kind: 'permission', code: 'FAILED_PRECONDITION' },
  'gemini.generateContent.error_400.unary-failure-api-key': {
    kind: 'authentication',
    code: 'API_KEY_INVALID',
  },
  'gemini.generateContent.error_403.documented': { kind: 'permission', code: 'PERMISSION_DENIED' },
  'gemini.generateContent.error_404.chats-tests-sendmessage-send-message-stream-with-error': {
    kind: 'not_found',
    code: 'NOT_FOUND',
  },
  'gemini.generateContent.error_404.documented': { kind: 'not_found', code: 'NOT_FOUND' },
  'gemini.generateContent.error_404.model-name-suggestion-google': { kind: 'not_found', code: 'NOT_FOUND' },
  // RetryInfo, in the body.
  'gemini.generateContent.error_429.mini-gemini-2-5-flash-handles-context-length-exceeded-errors': {
    kind: 'rate_limited',
    code: 'RESOURCE_EXHAUSTED',
    retryAfterMs: 48_000,
  },
  'gemini.generateContent.error_503.documented': { kind: 'overloaded', code: 'UNAVAILABLE' },
  'gemini.generateContent.error_504.documented': { kind: 'server_error', code: 'DEADLINE_EXCEEDED' },
  // The model did not do what it was told: not the caller's fault.
  'groq.chat.error_400.tool-use-failed-error-with-text': { kind: 'bad_response', code: 'tool_use_failed' },
  'groq.chat.error_404.model-name-suggestion-groq': { kind: 'not_found', code: 'model_not_found' },
  'groq.chat.error_404.tool-regular-error': { kind: 'not_found', code: 'model_not_found' },
  'mistral.chat.error_401.h-mistral-mistral-small-latest-raises-appropriate-auth-error': {
    kind: 'authentication',
  },
  'openai.chat.error_400.ltimodal-tool-return-matrix-direct-binary-audio-openai-chat': {
    kind: 'invalid_request',
    code: 'invalid_value',
    param: 'messages[3]',
  },
  'openai.chat.error_400.openai-o1-mini-system-role-developer': {
    kind: 'invalid_request',
    code: 'unsupported_value',
    param: 'messages[0].role',
  },
  'openai.chat.error_400.openai-o1-mini-system-role-system': {
    kind: 'invalid_request',
    code: 'unsupported_value',
    param: 'messages[0].role',
  },
  'openai.chat.error_400.openai-web-search-tool-model-not-supported': {
    kind: 'invalid_request',
    code: 'invalid_request_error',
    param: 'web_search_options',
  },
  'openai.chat.error_400.vision': { kind: 'invalid_request', code: 'invalid_image_url' },
  'openai.chat.error_401.documented': { kind: 'authentication', code: 'invalid_api_key' },
  'openai.chat.error_403.documented': { kind: 'permission', code: 'unsupported_country_region_territory' },
  'openai.chat.error_404.agents-and-tools': { kind: 'not_found', code: 'model_not_found' },
  'openai.chat.error_404.documented': { kind: 'not_found', code: 'model_not_found' },
  'openai.chat.error_404.model-name-suggestion-openai-chat': { kind: 'not_found', code: 'model_not_found' },
  'openai.chat.error_429.retry-after': {
    kind: 'rate_limited',
    code: 'rate_limit_exceeded',
    retryAfterMs: 2_000,
  },
  'openai.chat.error_500.documented': { kind: 'server_error', code: 'server_error' },
  'openai.chat.error_502.html-502': { kind: 'server_error' },
  'openai.chat.error_503.documented': { kind: 'overloaded', code: 'server_error', retryAfterMs: 1_000 },
  'openrouter.chat.error_400.uter-claude-haiku-4-5-handles-context-length-exceeded-errors': {
    kind: 'context_length',
    code: '400',
  },
  'openrouter.chat.error_429.openrouter-errors-raised': { kind: 'rate_limited', code: '429' },
  'vertex.generateContent.error_400.streaming-failure-http-error': {
    kind: 'permission',
    code: 'FAILED_PRECONDITION',
  },
  'vertex.generateContent.error_400.unary-failure-context-cache-model-doesnt-match': {
    kind: 'invalid_request',
    code: 'INVALID_ARGUMENT',
  },
  'vertex.generateContent.error_400.unary-failure-image-rejected': {
    kind: 'invalid_request',
    code: 'INVALID_ARGUMENT',
  },
  'vertex.generateContent.error_400.unary-failure-invalid-context-cache-id': {
    kind: 'invalid_request',
    code: 'INVALID_ARGUMENT',
  },
  'vertex.generateContent.error_400.unary-failure-unsupported-user-location': {
    kind: 'permission',
    code: 'FAILED_PRECONDITION',
  },
  'vertex.generateContent.error_404.streaming-failure-unknown-model': {
    kind: 'not_found',
    code: 'NOT_FOUND',
  },
};

interface Seen {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  readonly retryAfter?: string;
}

/**
 * What a client sees of a failure of the only model there is. The caller's own faults pass through with their status;
 * a rate limit with the wait the provider named; everything else is no fault of the caller: never the provider's 401.
 */
function seenOf({ kind, retryAfterMs }: Meaning, status: number): Seen {
  const code = REJECTIONS.get(kind);
  if (code !== undefined) return { status, type: 'invalid_request_error', code };
  return kind === 'rate_limited'
    ? {
        status: 429,
        type: 'rate_limit_error',
        code: 'rate_limit_exceeded',
        retryAfter: retryAfterMs === undefined ? undefined : String(retryAfterMs / 1_000),
      }
    : { status: 502, type: 'server_error', code: 'all_attempts_failed' };
}

/** The caller's own faults, with the code they get. */
const REJECTIONS: ReadonlyMap<ProviderErrorKind, string> = new Map<ProviderErrorKind, string>([
  ['invalid_request', 'upstream_rejected'],
  ['context_length', 'context_length_exceeded'],
  ['content_filter', 'content_filter'],
  ['request_too_large', 'request_too_large'],
]);

const bytesOf = (recording: Recording): string => recording.raw ?? JSON.stringify(recording.body);
/** One of each wire: presets are `openai-compatible`, and Bedrock has a suite of its own. */
const WIRES: readonly ProviderApi[] = ['openai', 'openai-compatible', 'azure-openai', 'anthropic', 'gemini'];
const EVENT_STREAM = { 'content-type': 'text/event-stream' };

/** Every recorded error has the right status, type, code and advice, for the ledger and for the client. */
export function describeErrors(report: ConformanceReport): void {
  const failures = report.inScope.filter(({ status }) => status >= 300);
  const bench = new ReplayBench();

  const meaningOf = (recording: Recording): Meaning => {
    const name = recording.id.replace(/\.[0-9a-f]{6}$/, '');
    const meaning = MEANINGS[name];
    expect(meaning, `nobody has said what ${name} means`).toBeDefined();
    return meaning!;
  };

  describe('errors', () => {
    beforeAll(() => bench.open());
    afterAll(() => bench.close());

    it.each(failures)('$id', async (recording) => {
      const { api } = scopeOf(recording)!;
      const meaning = meaningOf(recording);
      const error = adapterFor(api).parseError({
        status: recording.status,
        headers: recording.headers ?? {},
        body: recording.body ?? recording.raw,
      });
      expect(error).toBeInstanceOf(ProviderError);
      expect({
        kind: error.kind,
        code: error.providerCode,
        param: error.param,
        retryAfterMs: error.retryAfterMs,
      }).toEqual({ code: undefined, param: undefined, retryAfterMs: undefined, ...meaning });
      expect(error.status).toBe(recording.status);
      // The sentence is kept, but not where it would be logged.
      const sentence = error.readProviderMessage() ?? '';
      expect(sentence).not.toBe('');
      expect(`${error.message}${JSON.stringify(error)}`).not.toContain(sentence);

      const seen = seenOf(meaning, recording.status);
      const replay = { status: recording.status, headers: recording.headers, body: bytesOf(recording) };
      for (const stream of [false, true]) {
        const received = await bench.ask(api, replay, stream);
        expect(received.chunks).toEqual([]);
        const { answer } = received;
        expect({
          status: answer?.status,
          type: answer?.body.error.type,
          code: answer?.body.error.code,
          retryAfter: answer?.headers['retry-after'],
        }).toEqual({ retryAfter: undefined, ...seen });
        expect(answer?.body.error.param).toBe(seen.status === 502 ? null : (meaning.param ?? null));
        expect(JSON.stringify(answer)).not.toContain('<html');
      }
      report.pass(recording, 'errors');
    });

    // OpenRouter answers so, and proxies do.
    it.each(failures.filter(({ body }) => body !== undefined))(
      'is no answer under status 200: $id',
      async (recording) => {
        const { api } = scopeOf(recording)!;
        const body = bytesOf(recording);
        const json = { 'content-type': 'application/json' };
        for (const [headers, sent, stream] of [
          [json, body, false],
          [json, body, true],
          [EVENT_STREAM, `data: ${body}\n\n`, true],
          [EVENT_STREAM, `event: error\ndata: ${body}\n\ndata: [DONE]\n\n`, true],
        ] as const) {
          const received = await bench.ask(api, { status: 200, headers, body: sent }, stream);
          expect(received.completion).toBeUndefined();
          expect(received.chunks).toEqual([]);
          expect(received.answer?.status).toBeGreaterThanOrEqual(400);
        }
      },
    );

    const broken = report.inScope.filter(
      ({ id, sse_raw: raw }) => raw !== undefined && brokenStreamOf(id) !== undefined,
    );
    it.each(broken)('breaks off for the client: $id', async (recording) => {
      const { api } = scopeOf(recording)!;
      const fault = brokenStreamOf(recording.id)!;
      const replay = { status: 200, headers: EVENT_STREAM, body: streamsOf(recording)[0]! };
      const { chunks, error, answer } = await bench.ask(api, replay, true);
      const reading = readChunks(chunks);
      const hasBegun = reading.choices.some(
        ({ text, reasoning, toolCalls }) => text !== '' || reasoning !== '' || toolCalls.length > 0,
      );
      expect(reading.choices.every(({ finishReason }) => finishReason === '')).toBe(true);
      if (hasBegun) {
        expect(error).toBeInstanceOf(StreamInterruptedError);
        expect((error as StreamInterruptedError).kind).toBe(fault.kind);
      } else {
        expect(chunks).toEqual([]);
        expect(answer).toMatchObject({ status: seenOf(fault, fault.status ?? 502).status });
      }
      report.pass(recording, 'errors');
    });

    const inAWhile = new Date(Date.now() + 3_600_000).toUTCString();
    const QUOTA = { error: { code: 429, message: 'Quota', details: [{ retryDelay: '21s' }] } };
    const WAITS: readonly (readonly [string, Record<string, string>, unknown, RegExp])[] = [
      ['seconds', { 'retry-after': '17' }, {}, /^17$/],
      ['parts of a second', { 'retry-after': '0.2' }, {}, /^1$/],
      ['a date', { 'retry-after': inAWhile }, {}, /^3[56]\d\d$/],
      ['milliseconds', { 'retry-after-ms': '2500', 'retry-after': '9' }, {}, /^3$/],
      ['nonsense', { 'retry-after': 'soon' }, {}, /^$/],
      ['nothing', {}, {}, /^$/],
    ];
    const RETRY_INFO: readonly ProviderApi[] = ['gemini', 'openai-compatible'];
    const waits = WIRES.flatMap((api) => [
      ...WAITS.map(([name, headers, body, expected]) => ({ api, name, headers, body, expected })),
      ...(RETRY_INFO.includes(api)
        ? [
            { api, name: 'RetryInfo', headers: {}, body: QUOTA, expected: /^21$/ },
            { api, name: 'RetryInfo in a list', headers: {}, body: [QUOTA], expected: /^21$/ },
          ]
        : []),
    ]);
    it.each(waits)('hands on when to come back: $api, $name', async ({ api, headers, body, expected }) => {
      for (const stream of [false, true]) {
        const received = await bench.ask(api, { status: 429, headers, body: JSON.stringify(body) }, stream);
        expect(received.answer).toMatchObject({ status: 429 });
        expect(received.answer?.headers['retry-after'] ?? '').toMatch(expected);
      }
    });

    const NO_BODIES = {
      empty: '',
      html: '<html><body>Bad gateway</body></html>',
      truncated: '{"error": {"mess',
    };
    it.each(WIRES.flatMap((api) => Object.entries(NO_BODIES).map(([name, body]) => ({ api, name, body }))))(
      'crashes over no body: $api, $name',
      async ({ api, body }) => {
        for (const status of [200, 204, 301, 400, 401, 404, 413, 429, 500, 502, 503, 529]) {
          for (const stream of [false, true]) {
            const received = await bench.ask(api, { status, body: status === 204 ? '' : body }, stream);
            expect(received.completion).toBeUndefined();
            expect(received.answer?.body.error.code).toMatch(
              status === 429
                ? /^rate_limit_exceeded$/
                : status === 413
                  ? /^request_too_large$/
                  : status === 400
                    ? /^upstream_rejected$/
                    : /^all_attempts_failed$/,
            );
          }
        }
      },
    );
  });
}
