// A Nest application with the router in it, as a user would have it, on a port of its own.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LlmRouterHttpModule, LlmRouterModule } from 'nestjs-llm-router';

export async function startRouterApp(config) {
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- decorated by hand: this file is plain JavaScript
  class AppModule {}
  Module({ imports: [LlmRouterModule.forRoot(config), LlmRouterHttpModule.register({})] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const origin = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  return { origin, close: () => app.close() };
}
