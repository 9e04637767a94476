import {
  type DynamicModule,
  type INestApplication,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
} from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import type { Platform } from './router-app.js';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http.js';

export interface HostAppOptions extends ModuleMetadata {
  readonly platform: Platform;
  readonly nest?: NestApplicationOptions;
  readonly adapter?: AbstractHttpAdapter;
  readonly configure?: (app: INestApplication) => unknown;
  /** Where it listens. @defaultValue loopback alone */
  readonly address?: string;
}

export interface HostApp {
  readonly app: NestExpressApplication & NestFastifyApplication;
  readonly url: string;
  send(request: RawRequest): Promise<RawAnswer>;
  postJson(path: string, body: unknown, headers?: Record<string, string>): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** A host application made by hand: with the router or without, under the options a test is about. */
export async function createHostApp(setup: HostAppOptions): Promise<HostApp> {
  const { platform, nest, configure, adapter, address = '127.0.0.1', ...metadata } = setup;
  @Module({})
  class HostAppModule {}
  const root: DynamicModule = { module: HostAppModule, ...metadata };
  const app = await NestFactory.create<NestExpressApplication & NestFastifyApplication>(
    root,
    adapter ?? (platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter()),
    { abortOnError: false, logger: false, ...nest },
  );
  await configure?.(app);
  await app.listen(0, address);
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  return {
    app,
    url,
    send: (request) => sendRaw(url, request),
    postJson: (path, body, headers = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return sendRaw(url, {
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(text)),
          ...headers,
        },
        body: text,
      });
    },
    close: () => app.close(),
  };
}
