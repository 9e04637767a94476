import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import OpenAI from 'openai';
import {
  LlmRouterHttpModule,
  type LlmRouterHttpOptions,
  LlmRouterModule,
  type LlmRouterOptions,
} from 'nestjs-llm-router';

/** Every HTTP behaviour is tested on both. */
export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

export interface RouterAppOptions {
  readonly platform: Platform;
  readonly options: LlmRouterOptions;
  /** False: no routes of the router. @defaultValue all routes */
  readonly http?: LlmRouterHttpOptions | false;
  readonly imports?: ModuleMetadata['imports'];
  readonly controllers?: Type[];
  readonly providers?: ModuleMetadata['providers'];
  /** Runs before the application listens: prefixes, pipes, interceptors of a host. */
  readonly configure?: (app: INestApplication) => void;
  readonly logger?: LoggerService | false;
  /**
   * Nest's option. A browser keeps connections on which nothing was ever asked; Node does not count them as idle and waits
   * for them until the browser closes them: over two minutes were seen.
   */
  readonly forceCloseConnections?: boolean;
}

export interface RouterApp {
  readonly app: INestApplication;
  readonly url: string;
  /** The official client, without retries of its own. */
  readonly client: OpenAI;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  postJson(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

/** A Nest application with the router, on a real port. */
export async function createRouterApp(setup: RouterAppOptions): Promise<RouterApp> {
  @Module({})
  class TestAppModule {}
  const routes: DynamicModule[] = setup.http === false ? [] : [LlmRouterHttpModule.register(setup.http)];
  const root: DynamicModule = {
    module: TestAppModule,
    imports: [
      LlmRouterModule.forRoot({ ...setup.options, isGlobal: true }),
      ...routes,
      ...(setup.imports ?? []),
    ],
    controllers: setup.controllers ?? [],
    providers: setup.providers ?? [],
  };
  const adapter = setup.platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(root, adapter, {
    abortOnError: false,
    logger: setup.logger ?? false,
    forceCloseConnections: setup.forceCloseConnections ?? false,
  });
  setup.configure?.(app);
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  return {
    app,
    url,
    client: new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 }),
    fetch: (path, init) => fetch(`${url}${path}`, init),
    postJson: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    close: () => app.close(),
  };
}
