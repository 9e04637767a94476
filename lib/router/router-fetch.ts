import type { ChatLimits } from '../chat/index.js';
import type { LlmRequestContext } from '../context/index.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { ModelNotFoundError } from '../errors/model-not-found-error.js';
import {
  answerHeaders,
  asksForStream,
  errorAnswer,
  type ListedModel,
  listModels,
  recordRefusal,
  tenantKeyOf,
  type RoutedStream,
  streamEvents,
} from '../pipeline/index.js';
import { fromChatCompletion, refusedRoute, toChatRequest } from '../responses/index.js';
import { type EventStreamBody, eventStreamBody } from './event-stream-body.js';
import { readFetchBody } from './read-fetch-body.js';
import { responseEvents } from './response-events.js';
import type { RouterEngine } from './router-engine.js';
import { UnknownRouteError } from './unknown-route-error.js';

/**
 * `fetch` as far as clients of OpenAI's API use it, answered by the router in this process.
 *
 * @publicApi
 */
export type RouterFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

interface FetchCall {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal | undefined;
}

/**
 * The OpenAI endpoint without HTTP. Whatever the router refuses or fails is an answer with OpenAI's error body, as
 * over HTTP; only an aborted `signal` rejects, with its reason, as `fetch` does. Headers of the request are not read:
 * who asks is said by the code that calls, through its context, and by `options`, which win.
 */
export function createRouterFetch(engine: RouterEngine, options: LlmRequestContext): RouterFetch {
  return async (input, init) => {
    const call = readCall(input, init);
    call.signal?.throwIfAborted();
    try {
      return await answer(engine, options, call);
    } catch (error) {
      call.signal?.throwIfAborted();
      const { status, headers, body } = errorAnswer(error);
      return jsonResponse(status, headers, body);
    }
  };
}

function readCall(input: string | URL | Request, init: RequestInit = {}): FetchCall {
  const request = input instanceof Request ? input : undefined;
  const url = new URL(input instanceof Request ? input.url : input);
  return {
    method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
    path: url.pathname.replace(/\/+$/, ''),
    body: init.body ?? request?.body,
    signal: init.signal ?? request?.signal,
  };
}

/** @throws what is to be answered as an error. */
async function answer(engine: RouterEngine, options: LlmRequestContext, call: FetchCall): Promise<Response> {
  const { method, path } = call;
  if (method === 'POST' && path.endsWith('/chat/completions')) return complete(engine, options, call);
  if (method === 'POST' && path.endsWith('/embeddings')) return embed(engine, options, call);
  if (method === 'POST' && path.endsWith('/responses')) return respond(engine, options, call);
  if (method === 'GET') {
    const models = (): ListedModel[] => listModels(engine.runtime.policy);
    if (path.endsWith('/models')) return jsonResponse(200, {}, { object: 'list', data: models() });
    const name = /\/models\/([^/]+)$/.exec(path)?.[1];
    if (name !== undefined) {
      const found = models().find(({ id }) => encodeURIComponent(id) === name || id === decoded(name));
      if (found === undefined) throw new ModelNotFoundError();
      return jsonResponse(200, {}, found);
    }
  }
  throw refusedRoute(method, path) ?? new UnknownRouteError(method, path);
}

async function complete(
  engine: RouterEngine,
  options: LlmRequestContext,
  call: FetchCall,
): Promise<Response> {
  const { body, isStream } = await accept(engine, call, (received) => received);
  if (isStream) return stream(engine, options, call.signal, body, streamEvents);
  const { completion, routing } = await engine.pipeline.chat(body, { ...options, signal: call.signal });
  return jsonResponse(200, answerHeaders(routing), completion);
}

async function embed(engine: RouterEngine, options: LlmRequestContext, call: FetchCall): Promise<Response> {
  const { body } = await accept(engine, call, (received) => received);
  const { response, routing } = await engine.pipeline.embed(body, { ...options, signal: call.signal });
  return jsonResponse(200, answerHeaders(routing), response);
}

/** OpenAI's Responses API over the same pipeline. */
async function respond(engine: RouterEngine, options: LlmRequestContext, call: FetchCall): Promise<Response> {
  const tenant = tenantKeyOf(options);
  const { responseItems } = engine;
  const { received, body, isStream } = await accept(engine, call, (request, limits) =>
    toChatRequest(request, limits, responseItems?.recallFor(tenant)),
  );
  if (isStream) {
    return stream(engine, options, call.signal, body, (routed) =>
      responseEvents(routed, received, (response) => {
        responseItems?.remember(tenant, response, received);
      }),
    );
  }
  const { completion, routing } = await engine.pipeline.chat(body, { ...options, signal: call.signal });
  const response = fromChatCompletion(completion, received);
  responseItems?.remember(tenant, response, received);
  return jsonResponse(200, answerHeaders(routing), response);
}

interface Accepted {
  /** As the client sent it. */
  readonly received: unknown;
  /** The chat request it is. */
  readonly body: unknown;
  readonly isStream: boolean;
}

/** What is judged before the pipeline has the request. @throws what refuses it, with its record emitted. */
async function accept(
  engine: RouterEngine,
  call: FetchCall,
  toChat: (received: unknown, limits: ChatLimits) => unknown,
): Promise<Accepted> {
  try {
    const received = await readFetchBody(call.body, engine.configuration.limits.bodyBytes);
    const isStream = asksForStream(received);
    return { received, body: toChat(received, engine.runtime.limits), isStream };
  } catch (error) {
    if (LlmRouterError.isInstance(error)) recordRefusal(engine.bus, error, engine.runtime.policy.hash);
    throw error;
  }
}

async function stream(
  engine: RouterEngine,
  options: LlmRequestContext,
  signal: AbortSignal | undefined,
  body: unknown,
  toEvents: (routed: RoutedStream) => AsyncGenerator<string, void, undefined>,
): Promise<Response> {
  const left = new AbortController();
  let events: EventStreamBody | undefined;
  const onAbort = (): void => {
    left.abort();
    events?.fail(signal?.reason);
  };
  const forget = (): void => {
    signal?.removeEventListener('abort', onAbort);
  };
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const routed = await engine.pipeline.stream(body, { ...options, signal: left.signal });
    // Of a body that nobody reads to its end, the caller's signal must not keep hold for ever.
    routed.ended.addEventListener('abort', forget, { once: true });
    const onFault = (error: unknown): void => {
      engine.onFault(routed.routing.decisionId, error);
    };
    events = eventStreamBody(routed, left, forget, onFault, toEvents(routed));
    // Aborted between the first token and here.
    if (left.signal.aborted) events.fail(signal?.reason);
    return new Response(events.body, {
      headers: {
        ...answerHeaders(routed.routing),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
      },
    });
  } catch (error) {
    forget();
    throw error;
  }
}

function jsonResponse(status: number, headers: Readonly<Record<string, string>>, body: unknown): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
  });
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
