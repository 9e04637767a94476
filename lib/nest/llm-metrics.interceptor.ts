import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, Reflector } from '@nestjs/core';
import { finalize, map, Observable, tap } from 'rxjs';
import { bindContext } from '../context/index.js';
import { formatUsd, routingHeaders, runWithCallTally } from '../pipeline/index.js';
import { RouterEngine } from '../router/index.js';
import { HandlerCall } from './handler-call.js';
import { MetricsInterceptorOptions } from './metrics-interceptor-options.js';
import { SURFACE_METADATA, type SurfaceMetadata } from './surface.metadata.js';

/** Every platform's response: Fastify's reply holds Node's own as `raw`. */
type PlatformResponse = ServerResponse | { readonly raw: ServerResponse };

/**
 * Writes one line for each call of a handler that asked a model: surface, handler, calls, models, tokens, cost,
 * duration, the share of it spent waiting for models, outcome. The same goes into the KPIs (`handlers`) and into
 * Prometheus (`llm_router_handler_*`). A stream counts when it has ended.
 *
 * On a controller or a handler by `@UseInterceptors`, or for all of them by `handlerMetrics: true` beside `isGlobal`.
 * With `answerHeaders: true` there, the `x-llm-*` headers of the last routed answer are set on the host's own HTTP
 * responses too; a stream that has not begun when the handler returns has none yet. A handler that answers first and
 * asks models afterwards counts with the first of those requests.
 *
 * @example
 * ```ts
 * @UseInterceptors(LlmMetricsInterceptor)
 * @Surface('support')
 * @Controller('chat')
 * export class ChatController { … }
 *
 * LlmRouterModule.forRoot({ isGlobal: true, handlerMetrics: true, answerHeaders: true, …options })
 * ```
 * @publicApi
 */
@Injectable()
export class LlmMetricsInterceptor implements NestInterceptor {
  readonly #reflector = new Reflector();
  #engine: RouterEngine | undefined;
  #options: MetricsInterceptorOptions | undefined;

  /** @internal */
  constructor(private readonly moduleRef: ModuleRef) {}

  /** @throws Error when there is no `LlmRouterModule` in the application. */
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const metadata = this.#reflector.getAllAndOverride<SurfaceMetadata | undefined>(SURFACE_METADATA, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    const { bus } = this.engine;
    const call = new HandlerCall(
      `${execution.getClass().name}.${execution.getHandler().name}`,
      metadata?.name,
      (record) => {
        bus.emit('handler-ended', record);
      },
    );
    const response =
      execution.getType() === 'http' ? rawResponse(execution.switchToHttp().getResponse()) : undefined;
    response
      ?.once('finish', () => {
        call.finish('succeeded');
      })
      .once('close', () => {
        call.finish('client_left');
      });
    return new Observable((subscriber) =>
      runWithCallTally(call, () => {
        const run = AsyncLocalStorage.snapshot();
        let hasFailed = false;
        return next
          .handle()
          .pipe(
            map((value: unknown) => bindContext(value, run)),
            tap({
              next: () => {
                this.setHeaders(execution, call);
              },
              error: () => {
                hasFailed = true;
              },
            }),
            finalize(() => {
              // An HTTP handler has ended with its response: what it returned may be a stream.
              if (hasFailed) call.finish('failed');
              else if (response === undefined) call.finish('succeeded');
              // The client had gone before we began to listen.
              else if (response.destroyed)
                call.finish(response.writableFinished ? 'succeeded' : 'client_left');
            }),
          )
          .subscribe(subscriber);
      }),
    );
  }

  private setHeaders(execution: ExecutionContext, call: HandlerCall): void {
    const { routing } = call;
    if (!this.options.answerHeaders || execution.getType() !== 'http' || routing === undefined) return;
    const response: PlatformResponse = execution.switchToHttp().getResponse();
    if (rawResponse(response)?.headersSent !== false) return;
    const { httpAdapter } = this.moduleRef.get(HttpAdapterHost, { strict: false });
    const headers = { ...routingHeaders(routing), 'x-llm-cost-usd': formatUsd(call.costUsd) };
    for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(response, name, value);
  }

  // Looked up, not injected: the interceptor is made in the host's modules, of which none need import ours.
  private get engine(): RouterEngine {
    try {
      return (this.#engine ??= this.moduleRef.get<RouterEngine, RouterEngine>(RouterEngine, {
        strict: false,
      }));
    } catch {
      throw new Error('LlmMetricsInterceptor needs LlmRouterModule.forRoot(…) somewhere in the application.');
    }
  }

  private get options(): MetricsInterceptorOptions {
    return (this.#options ??= this.moduleRef.get<MetricsInterceptorOptions, MetricsInterceptorOptions>(
      MetricsInterceptorOptions,
      { strict: false },
    ));
  }
}

function rawResponse(response: PlatformResponse): ServerResponse | undefined {
  const raw = 'raw' in response ? response.raw : response;
  // Not every platform's response is Node's; without its events the handler's return is the end.
  return typeof raw.once === 'function' ? raw : undefined;
}
