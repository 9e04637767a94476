import { Get, Param, Post, Req, Res, SetMetadata } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
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
} from '../pipeline/index.js';
import { BODY_ROUTE, FASTIFY_ROUTE_CONFIG } from './body-reader.js';
import { type Exchange, takeOver } from './exchange.js';
import { receive } from './receive.js';
import { readCallOptions } from './request-options.js';
import { writeError, writeJson, writePiece } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** OpenAI's endpoints. Answers are written by hand: their shape is a contract that no host interceptor may wrap. */
export class OpenAiController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Post('v1/chat/completions')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  async chatCompletions(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    await this.serve(request, reply, async (exchange, signal) => {
      const { pipeline } = this.locator.engine;
      const { body, options, isStream } = this.accept(exchange.request, request, signal);
      if (isStream) {
        await this.writeStream(exchange, await pipeline.stream(body, options));
      } else {
        const { completion, routing } = await pipeline.chat(body, options);
        writeJson(exchange.response, 200, completion, answerHeaders(routing));
      }
    });
  }

  @Post('v1/embeddings')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  async embeddings(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    await this.serve(request, reply, async (exchange, signal) => {
      const { body, options } = this.accept(exchange.request, request, signal);
      const { response, routing } = await this.locator.engine.pipeline.embed(body, options);
      writeJson(exchange.response, 200, response, answerHeaders(routing));
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
  ): { body: unknown; options: InternalCallOptions; isStream: boolean } {
    const { engine, guard } = this.locator;
    try {
      const { caller, body } = receive(request, platformRequest, guard);
      const options = readCallOptions(request, caller, signal);
      return { body, options, isStream: asksForStream(body) };
    } catch (error) {
      if (LlmRouterError.isInstance(error)) recordRefusal(engine.bus, error);
      throw error;
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

  private async writeStream({ response }: Exchange, routed: RoutedStream): Promise<void> {
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
      for await (const event of streamEvents(routed)) {
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
