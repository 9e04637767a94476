import { Get, Param, Post, Req, Res, SetMetadata } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { ModelNotFoundError } from '../errors/model-not-found-error.js';
import {
  type InternalCallOptions,
  recordRefusal,
  type RoutedStream,
  type RoutingInfo,
} from '../pipeline/index.js';
import { BODY_ROUTE, FASTIFY_ROUTE_CONFIG } from './body-reader.js';
import { type Exchange, takeOver } from './exchange.js';
import { receive } from './receive.js';
import { readCallOptions } from './request-options.js';
import { errorBody, writeError, writeJson, writePiece } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { InternalError } from '../errors/internal-error.js';

function routingHeaders(routing: RoutingInfo): Record<string, string> {
  return {
    'x-llm-model': routing.model,
    'x-llm-provider': routing.provider,
    'x-llm-tier': routing.tier,
    'x-llm-class': routing.requestClass,
    'x-llm-attempts': String(routing.attempts),
    'x-llm-decision-id': routing.decisionId,
    'x-request-id': routing.decisionId,
    ...(routing.costUsd === undefined ? {} : { 'x-llm-cost-usd': formatUsd(routing.costUsd) }),
  };
}

/** Plain digits: `4.2e-7` is a number few readers of headers expect. */
function formatUsd(usd: number): string {
  return usd.toFixed(9).replace(/\.?0+$/, '') || '0';
}

/** A header may not hold what is not Latin-1; model names are the user's own. */
function safeHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]),
  );
}

/** Here the endpoint decides what `stream` means, so it is here that a `stream` which is no flag is refused. */
function asksForStream(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('stream' in body)) return false;
  const { stream } = body;
  if (stream === undefined || stream === null) return false;
  if (typeof stream !== 'boolean') throw new InvalidRequestError('`stream` must be true or false.', 'stream');
  return stream;
}

/** OpenAI's endpoints. Answers are written by hand: their shape is a contract that no host interceptor may wrap. */
export class OpenAiController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Post('v1/chat/completions')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  async chatCompletions(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    const exchange = takeOver(request, reply);
    const left = new AbortController();
    const onClose = (): void => {
      if (!exchange.response.writableFinished) left.abort();
    };
    exchange.response.once('close', onClose);
    // The client may have gone while its body was read.
    if (exchange.response.destroyed) left.abort();
    try {
      const { engine } = this.locator;
      const { body, options, isStream } = this.accept(exchange.request, request, left.signal);
      if (isStream) {
        await this.writeStream(exchange, await engine.pipeline.stream(body, options));
      } else {
        const { completion, routing } = await engine.pipeline.chat(body, options);
        writeJson(exchange.response, 200, completion, safeHeaders(routingHeaders(routing)));
      }
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

  private answerModels({ request, response }: Exchange, select: (models: { id: string }[]) => unknown): void {
    try {
      this.locator.guard.identify(request);
      const { policy } = this.locator.engine.runtime;
      // Names of models that nobody serves are wishes only; they are not offered.
      const served = [...policy.modelNames].filter(([, model]) => policy.models.has(model));
      const names = new Set(['auto', ...policy.rules.keys(), ...served.map(([name]) => name)]);
      const models = [...names].map((id) => ({
        id,
        object: 'model',
        created: 0,
        owned_by:
          policy.models.get(policy.modelNames.get(id) ?? id)?.deployments[0]?.provider ?? 'nestjs-llm-router',
      }));
      writeJson(response, 200, select(models));
    } catch (error) {
      writeError(response, error);
    }
  }

  private async writeStream({ response }: Exchange, routed: RoutedStream): Promise<void> {
    const write = (piece: string): Promise<boolean> => writePiece(response, piece, routed.ended);
    let isTaken = true;
    try {
      if (response.destroyed) return;
      response.writeHead(200, {
        ...safeHeaders(routingHeaders(routed.routing)),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        // nginx would hold the stream back.
        'x-accel-buffering': 'no',
      });
      for await (const chunk of routed.chunks) {
        isTaken = await write(`data: ${JSON.stringify(chunk)}\n\n`);
        if (!isTaken) return;
      }
      isTaken = await write(`: x-llm-cost-usd ${formatUsd(routed.costUsd())}\n\ndata: [DONE]\n\n`);
    } catch (thrown) {
      // Part of the answer is out: an error event, and no [DONE] that would make it look whole.
      const error = LlmRouterError.isInstance(thrown) ? thrown : new InternalError();
      isTaken = await write(`data: ${JSON.stringify(errorBody(error))}\n\n`);
    } finally {
      await routed.chunks.return();
      // What nobody reads would never be flushed, and a connection kept open for it would hold up a shutdown.
      if (isTaken) response.end();
      else response.destroy();
    }
  }
}
