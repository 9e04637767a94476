import { Delete, Get, Param, Post, Req, Res, SetMetadata } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { ChatCompletion, ChatLimits } from '../chat/index.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { ModelNotFoundError } from '../errors/model-not-found-error.js';
import {
  answerHeaders,
  asksForStream,
  type InternalCallOptions,
  type ListedModel,
  listModels,
  recordRefusal,
  type RoutedStream,
  streamEvents,
  tenantKeyOf,
} from '../pipeline/index.js';
import {
  fromChatCompletion,
  legacyCompletionsError,
  ResponseNotFoundError,
  toChatRequest,
} from '../responses/index.js';
import { responseEvents, type ResponseItems } from '../router/index.js';
import { BODY_ROUTE, FASTIFY_ROUTE_CONFIG } from './body-reader.js';
import { type Exchange, takeOver } from './exchange.js';
import { receive } from './receive.js';
import { readCallOptions } from './request-options.js';
import { writeError, writeJson, writePiece } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** The routes below that take a body. */
export const OPENAI_BODY_PATHS: readonly string[] = [
  'v1/chat/completions',
  'v1/responses',
  'v1/responses/:id',
  'v1/responses/:id/cancel',
  'v1/completions',
  'v1/embeddings',
];

/** What is kept of answers for the caller. */
interface Keeper {
  readonly tenant: string;
  readonly items: ResponseItems | undefined;
}

/** One of the two APIs, both served by the chat pipeline. */
interface Dialect {
  /** @throws {@link InvalidRequestError}. */
  toChat(received: unknown, limits: ChatLimits, keeper: Keeper): unknown;
  fromChat(completion: ChatCompletion, received: unknown, keeper: Keeper): unknown;
  toEvents(routed: RoutedStream, received: unknown, keeper: Keeper): AsyncGenerator<string, void, undefined>;
}

/** What has passed before the pipeline gets it. */
interface Accepted {
  /** As the client sent it. */
  readonly received: unknown;
  /** The chat request it is. */
  readonly body: unknown;
  readonly options: InternalCallOptions;
  readonly keeper: Keeper;
  readonly isStream: boolean;
}

const CHAT: Dialect = {
  toChat: (received) => received,
  fromChat: (completion) => completion,
  toEvents: (routed) => streamEvents(routed),
};

const RESPONSES: Dialect = {
  toChat: (received, limits, { items, tenant }) => toChatRequest(received, limits, items?.recallFor(tenant)),
  fromChat: (completion, received, { items, tenant }) => {
    const response = fromChatCompletion(completion, received);
    items?.remember(tenant, response, received);
    return response;
  },
  toEvents: (routed, received, { items, tenant }) =>
    responseEvents(routed, received, (response) => {
      items?.remember(tenant, response, received);
    }),
};

/** OpenAI's endpoints. Answers are written by hand: their shape is a contract that no host interceptor may wrap. */
export class OpenAiController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Post('v1/chat/completions')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  chatCompletions(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    return this.answer(request, reply, CHAT);
  }

  @Post('v1/responses')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  responses(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    return this.answer(request, reply, RESPONSES);
  }

  // `input_tokens` and `compact` among them.
  @Post('v1/responses/:id')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  postToStoredResponse(@Req() request: unknown, @Res() reply: unknown): void {
    this.refuse(request, reply, new ResponseNotFoundError());
  }

  @Post('v1/responses/:id/cancel')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  cancelResponse(@Req() request: unknown, @Res() reply: unknown): void {
    this.refuse(request, reply, new ResponseNotFoundError());
  }

  @Get('v1/responses/:id')
  storedResponse(@Req() request: unknown, @Res() reply: unknown): void {
    this.refuse(request, reply, new ResponseNotFoundError());
  }

  @Get('v1/responses/:id/input_items')
  storedInput(@Req() request: unknown, @Res() reply: unknown): void {
    this.refuse(request, reply, new ResponseNotFoundError());
  }

  @Delete('v1/responses/:id')
  deleteResponse(@Req() request: unknown, @Res() reply: unknown): void {
    this.refuse(request, reply, new ResponseNotFoundError());
  }

  @Post('v1/completions')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  completions(@Req() request: unknown, @Res() reply: unknown): void {
    this.refuse(request, reply, legacyCompletionsError());
  }

  @Post('v1/embeddings')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  async embeddings(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    await this.serve(request, reply, async (exchange, signal) => {
      const { body, options } = this.accept(exchange.request, request, signal, CHAT);
      const { response, routing } = await this.locator.engine.pipeline.embed(body, options);
      writeJson(exchange.response, 200, response, answerHeaders(routing));
    });
  }

  private async answer(request: unknown, reply: unknown, dialect: Dialect): Promise<void> {
    await this.serve(request, reply, async (exchange, signal) => {
      const { pipeline } = this.locator.engine;
      const accepted = this.accept(exchange.request, request, signal, dialect);
      const { received, body, options, keeper, isStream } = accepted;
      if (isStream) {
        const routed = await pipeline.stream(body, options);
        await this.writeStream(exchange, routed, dialect.toEvents(routed, received, keeper));
      } else {
        const { completion, routing } = await pipeline.chat(body, options);
        const answer = dialect.fromChat(completion, received, keeper);
        writeJson(exchange.response, 200, answer, answerHeaders(routing));
      }
    });
  }

  /** Takes the exchange over, aborts the work when the client leaves, and answers whatever is thrown. */
  private async serve(
    request: unknown,
    reply: unknown,
    work: (exchange: Exchange, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const exchange = takeOver(request, reply);
    const left = new AbortController();
    const onClose = (): void => {
      if (!exchange.response.writableFinished) left.abort();
    };
    exchange.response.once('close', onClose);
    // The client may have gone while its body was read.
    if (exchange.response.destroyed) left.abort();
    try {
      await work(exchange, left.signal);
    } catch (error) {
      writeError(exchange.response, error);
    } finally {
      exchange.response.off('close', onClose);
    }
  }

  @Get('v1/models')
  models(@Req() request: unknown, @Res() reply: unknown): void {
    this.answerModels(takeOver(request, reply), (models) => ({ object: 'list', data: models }));
  }

  @Get('v1/models/:model')
  model(@Req() request: unknown, @Res() reply: unknown, @Param('model') name: string): void {
    this.answerModels(takeOver(request, reply), (models) => {
      const found = models.find(({ id }) => id === name);
      if (found === undefined) throw new ModelNotFoundError();
      return found;
    });
  }

  /** What is judged before the pipeline has the request. @throws what refuses it, with its record emitted. */
  private accept(
    request: IncomingMessage,
    platformRequest: unknown,
    signal: AbortSignal,
    dialect: Dialect,
  ): Accepted {
    const { engine, guard } = this.locator;
    try {
      const { caller, body: received } = receive(request, platformRequest, guard);
      const options = readCallOptions(request, caller, signal);
      const isStream = asksForStream(received);
      const keeper = { tenant: tenantKeyOf(options), items: engine.responseItems };
      const body = dialect.toChat(received, engine.runtime.limits, keeper);
      return { received, body, options, keeper, isStream };
    } catch (error) {
      if (LlmRouterError.isInstance(error)) recordRefusal(engine.bus, error, engine.runtime.policy.hash);
      throw error;
    }
  }

  /** For callers with a key alone, as every route. */
  private refuse(platformRequest: unknown, reply: unknown, reason: LlmRouterError): void {
    const { request, response } = takeOver(platformRequest, reply);
    try {
      this.locator.guard.identify(request);
      throw reason;
    } catch (error) {
      if (LlmRouterError.isInstance(error)) {
        const { bus, runtime } = this.locator.engine;
        recordRefusal(bus, error, runtime.policy.hash);
      }
      writeError(response, error);
    }
  }

  private answerModels(
    { request, response }: Exchange,
    select: (models: readonly ListedModel[]) => unknown,
  ): void {
    try {
      this.locator.guard.identify(request);
      writeJson(response, 200, select(listModels(this.locator.engine.runtime.policy)));
    } catch (error) {
      writeError(response, error);
    }
  }

  private async writeStream(
    { response }: Exchange,
    routed: RoutedStream,
    events: AsyncGenerator<string, void, undefined>,
  ): Promise<void> {
    let isTaken = true;
    try {
      if (response.destroyed) return;
      response.writeHead(200, {
        ...answerHeaders(routed.routing),
        'content-type': 'text/event-stream; charset=utf-8',
        // A host's compression would hold pieces back until it has enough of them.
        'cache-control': 'no-cache, no-transform',
        // nginx would hold the stream back.
        'x-accel-buffering': 'no',
      });
      for await (const event of events) {
        isTaken = await writePiece(response, event, routed.ended);
        if (!isTaken) return;
      }
    } finally {
      await routed.chunks.return();
      // What nobody reads would never be flushed, and a connection kept open for it would hold up a shutdown.
      if (isTaken) response.end();
      else response.destroy();
    }
  }
}
