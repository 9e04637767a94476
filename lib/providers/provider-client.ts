import type { Readable } from 'node:stream';
import type { ChatCompletionChunk } from '../chat/chat-types.js';
import { ProviderError } from '../errors/provider-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { EmbeddingsCall } from './embeddings-wire.js';
import type { EventReader } from './event-reader.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  WireEvent,
  WireRequest,
} from './provider-adapter.js';
import { parseJson } from './json-reading.js';
import { readBodyText } from './read-body.js';
import { withRecalledTurns } from './recalled-turn.js';
import type { KeyHealth } from './key-health.js';
import type { KeyLease } from './key-ring.js';
import type { ProviderKeys } from './provider-keys.js';
import type { RequestAuthorizer } from './request-authorizer.js';
import { ServerSentEventReader } from './server-sent-event-reader.js';
import { toProviderError } from './to-provider-error.js';
import type { Transport, TransportResponse } from './transport.js';
import type { OpenedStream, PreparedCall, PreparedEmbeddings, UpstreamClient } from './upstream-client.js';

/** The largest whole answer taken: 128,000 tokens with log probabilities stay under it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** 2,048 vectors of 4,096 numbers, written out. */
const MAX_EMBEDDINGS_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 256 * 1024;
/** The longest list of models known is well under a tenth of it. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;
/** An upstream that does not end after its terminator is not waited for longer. */
const MAX_ENDING_MS = 1_000;

export interface ProviderClientOptions {
  /** Its name in the configuration. */
  readonly name: string;
  readonly adapter: ProviderAdapter;
  readonly transport: Transport;
  readonly baseUrl: string;
  /** Undefined: it is called without a key. */
  readonly keys: ProviderKeys | undefined;
  /** Gives the `traceparent` to send. Absent: none is sent. */
  readonly traceParent?: (() => string | undefined) | undefined;
  /** Lets the requests in instead of a key. */
  readonly authorizer?: RequestAuthorizer | undefined;
}

type Pass = Readonly<Record<string, string>>;

/** A request and how long its connection may take. */
interface TimedRequest extends WireRequest {
  readonly connectTimeoutMs?: number | undefined;
  readonly onExhausted?: ((exhaustedForMs: number) => void) | undefined;
}

/** An answer, and what its request was let in with. */
interface SentResponse extends TransportResponse {
  readonly pass: Pass;
  /** Given back when the body is closed. Undefined: there are no keys. */
  readonly lease: KeyLease | undefined;
}

/** One provider account: an adapter's conversions over a transport. */
export class ProviderClient implements UpstreamClient {
  readonly #baseUrl: string;

  constructor(private readonly options: ProviderClientOptions) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '');
  }

  readSecrets(): readonly string[] {
    const { keys, authorizer } = this.options;
    return [...(keys?.readSecrets() ?? []), ...(authorizer?.readSecrets() ?? [])];
  }

  headroom(): number | undefined {
    return this.options.keys?.headroom();
  }

  keyHealth(): KeyHealth | undefined {
    return this.options.keys?.health();
  }

  async probe(signal: AbortSignal): Promise<void> {
    const { modelList } = this.options.adapter;
    if (modelList === undefined) return;
    const { keys } = this.options;
    const sent = await this.send({ ...modelList, body: undefined }, signal, () => keys?.takeForProbe(signal));
    // It judges no key: some show the list to everybody, and some keys may do all but see it.
    const response = { ...sent, lease: undefined };
    if (!isSuccess(response.status)) throw await this.readFailure(response, signal);
    await this.readText(response.body, MAX_LIST_BYTES, signal);
    if ((response.headers['content-type'] ?? '').includes('text/html')) {
      // A portal's page, and no provider.
      throw new ProviderError({ kind: 'bad_response', status: response.status, providerCode: 'html' });
    }
  }

  prepare(call: ProviderCall): PreparedCall {
    const { adapter, name } = this.options;
    const { recalledTurns, ...rest } = call;
    const said: ProviderCall =
      recalledTurns === undefined
        ? call
        : {
            ...rest,
            request: withRecalledTurns(call.request, recalledTurns, {
              provider: name,
              readsOwnThinkingAlone: adapter.readsOwnThinkingAlone ?? false,
            }),
          };
    const wire: TimedRequest = {
      ...adapter.buildRequest(said),
      connectTimeoutMs: call.connectTimeoutMs,
      onExhausted: call.onExhausted,
    };
    return {
      droppedFields: adapter.droppedFields?.(said, wire) ?? [],
      complete: (signal, onProgress) =>
        this.complete((body) => adapter.parseAnswer(body, said), wire, signal, onProgress),
      openStream: (signal) => this.openStream(said, wire, signal),
    };
  }

  prepareEmbeddings(call: EmbeddingsCall): PreparedEmbeddings {
    const { embeddings } = this.options.adapter;
    if (embeddings === undefined) {
      throw new InvalidRequestError('This provider makes no embeddings.', 'model');
    }
    const wire: TimedRequest = {
      ...embeddings.buildRequest(call),
      connectTimeoutMs: call.connectTimeoutMs,
    };
    return {
      complete: (signal, onProgress) =>
        this.complete(
          (body) => embeddings.parseAnswer(body, call),
          wire,
          signal,
          onProgress,
          MAX_EMBEDDINGS_BYTES,
        ),
    };
  }

  private async complete<Answer>(
    parse: (body: unknown) => Answer,
    wire: TimedRequest,
    signal: AbortSignal,
    onProgress: () => void,
    maxBytes = MAX_ANSWER_BYTES,
  ): Promise<Answer> {
    const response = await this.send(wire, signal);
    if (!isSuccess(response.status)) throw await this.readFailure(response, signal);
    onProgress();
    try {
      const text = await this.readText(response.body, maxBytes, signal, onProgress);
      const answer = parse(readJson(text));
      this.accepted(response);
      return answer;
    } catch (error) {
      this.notice(error, response.pass);
      if (!(error instanceof ProviderError)) throw error;
      // The status tells that an answer had begun: it was generated, and will be billed.
      const failure =
        error.status === undefined
          ? new ProviderError({ kind: error.kind, status: response.status, providerCode: error.providerCode })
          : error;
      throw await this.failed(failure, response, signal);
    }
  }

  private async openStream(
    call: ProviderCall,
    wire: TimedRequest,
    signal: AbortSignal,
  ): Promise<OpenedStream> {
    const response = await this.send(wire, signal);
    if (!isSuccess(response.status)) throw await this.readFailure(response, signal);
    const contentType = response.headers['content-type'] ?? '';
    if (contentType.includes('application/json')) {
      // A 200 that carries an error, or an upstream that does not stream: neither is the stream that was asked for.
      throw await this.readFailure(response, signal);
    }
    if (contentType.includes('text/html')) {
      response.body.destroy();
      throw new ProviderError({ kind: 'bad_response', status: response.status, providerCode: 'html' });
    }
    const translator = this.options.adapter.createStreamTranslator(call);
    this.accepted(response);
    return {
      chunks: this.translate(response, translator, signal),
      usage: () => translator.usage,
    };
  }

  private async send(
    wire: TimedRequest,
    signal: AbortSignal,
    take = () => this.options.keys?.take(signal),
  ): Promise<SentResponse> {
    const { adapter, transport, keys, authorizer } = this.options;
    const address = this.#baseUrl + withoutRepeatedVersion(this.#baseUrl, wire.path);
    const url = (await authorizer?.completeUrl?.(address, signal)) ?? address;
    const body = wire.body === undefined ? undefined : JSON.stringify(wire.body);
    const method = body === undefined ? 'GET' : 'POST';
    const lease = await take();
    const giveBack = (): void => {
      if (lease !== undefined) keys?.release(lease);
    };
    try {
      const pass =
        authorizer === undefined
          ? adapter.authHeaders(lease?.key)
          : await authorizer.authorize({ method, url, headers: wire.headers, body }, signal);
      const { connectTimeoutMs } = wire;
      const response = await transport.send({
        url,
        headers: { ...wire.headers, ...this.traceHeaders(), ...pass },
        body,
        signal,
        connectTimeoutMs,
      });
      const exhaustedForMs = lease === undefined ? 0 : (keys?.noteLimits(lease, response.headers) ?? 0);
      if (exhaustedForMs > 0) wire.onExhausted?.(exhaustedForMs);
      // Whoever reads it reads it to its end or destroys it.
      if (response.body.closed) giveBack();
      else response.body.once('close', giveBack);
      return { ...response, pass, lease };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** Not signed where requests are: a proxy on the way may write its own. */
  private traceHeaders(): Pass | undefined {
    const traceparent = this.options.traceParent?.();
    return traceparent === undefined ? undefined : { traceparent };
  }

  /** A whole answer, or a stream that has begun: the key is taken. */
  private accepted({ lease }: SentResponse): void {
    if (lease !== undefined) this.options.keys?.accepted(lease);
  }

  /** What to throw for a failure, once the key it was made with is judged by it. */
  private async failed(
    failure: ProviderError,
    { lease }: SentResponse,
    signal: AbortSignal,
  ): Promise<ProviderError> {
    const { keys } = this.options;
    const error = failure.withoutSecrets(this.readSecrets());
    return lease === undefined || keys === undefined ? error : keys.failed(lease, error, signal);
  }

  /** What was refused is not given again; AWS says so with a 403, and in a stream with no status at all. */
  private notice(error: unknown, pass: Pass): void {
    if (error instanceof ProviderError && error.kind === 'authentication') {
      this.options.authorizer?.refused?.(pass);
    }
  }

  private async readFailure(response: SentResponse, signal: AbortSignal): Promise<ProviderError> {
    // Whatever its body says, and whether or not that can be read.
    if (response.status === 401) {
      this.options.authorizer?.refused?.(response.pass);
      if (response.lease !== undefined) this.options.keys?.refused(response.lease);
    }
    const failure = await this.parseFailure(response, signal);
    if (response.status !== 401) this.notice(failure, response.pass);
    return this.failed(failure, response, signal);
  }

  private async parseFailure(response: TransportResponse, signal: AbortSignal): Promise<ProviderError> {
    const text = await this.readText(response.body, MAX_ERROR_BYTES, signal);
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {
      // HTML, plain text or nothing: the status says enough.
    }
    if (isSuccess(response.status)) {
      const carriesError = typeof body === 'object' && body !== null && 'error' in body;
      return carriesError
        ? this.options.adapter.parseError({ status: response.status, headers: response.headers, body })
        : new ProviderError({
            kind: 'bad_response',
            status: response.status,
            providerCode: 'not_an_event_stream',
          });
    }
    return this.options.adapter.parseError({ status: response.status, headers: response.headers, body });
  }

  private async readText(
    body: Readable,
    maxBytes: number,
    signal: AbortSignal,
    onPiece?: () => void,
  ): Promise<string> {
    try {
      return await readBodyText(body, maxBytes, onPiece);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toProviderError(error);
    }
  }

  private async openReader(take: (event: WireEvent) => void): Promise<EventReader> {
    const { createEventReader } = this.options.adapter;
    return createEventReader === undefined ? new ServerSentEventReader(take) : createEventReader(take);
  }

  private async *translate(
    response: SentResponse,
    translator: StreamTranslator,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ChatCompletionChunk[], void, undefined> {
    const { body, pass } = response;
    let group: ChatCompletionChunk[] = [];
    const take = (): ChatCompletionChunk[] => {
      const taken = group;
      group = [];
      return taken;
    };
    try {
      const reader = await this.openReader((event) => {
        if (!translator.isTerminated) group.push(...translator.push(event));
      });
      for await (const bytes of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        reader.feed(bytes);
        // Also when it is empty: a ping or a comment says that the upstream is alive.
        yield take();
        if (translator.isTerminated) break;
      }
      if (!translator.isTerminated) {
        reader.end();
        if (group.length > 0) yield take();
      }
      const rest = translator.end();
      if (rest.length > 0) yield rest;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const failure = toProviderError(error);
      this.notice(failure, pass);
      throw await this.failed(failure, response, signal);
    } finally {
      if (translator.isTerminated && !signal.aborted) letEnd(body);
      else body.destroy();
    }
  }
}

/** What follows the terminator is a few bytes of framing; left unread, they would cost the connection. */
function letEnd(body: Readable): void {
  if (body.readableEnded || body.destroyed) return;
  const timer = setTimeout(() => body.destroy(), MAX_ENDING_MS).unref();
  body.once('close', () => {
    clearTimeout(timer);
  });
  body.resume();
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function readJson(text: string): unknown {
  const body = parseJson(text);
  if (body !== undefined) return body;
  throw new ProviderError({
    kind: 'bad_response',
    providerCode: text.trim() === '' ? 'empty_body' : 'not_json',
  });
}

/** Some write Anthropic's or Gemini's base URL with its version, Azure's with `/openai` too; the path has it already. */
function withoutRepeatedVersion(baseUrl: string, path: string): string {
  const repeated = [/^\/openai\/v1(?=\/)/, /^\/(?:v1beta|v1|openai)(?=\/)/]
    .map((start) => start.exec(path)?.[0])
    .find((start) => start !== undefined && baseUrl.endsWith(start));
  return repeated === undefined ? path : path.slice(repeated.length);
}
