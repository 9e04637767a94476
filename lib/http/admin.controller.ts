import { Get, Post, Req, Res, SetMetadata } from '@nestjs/common';
import { SurfaceNotAllowedError } from '../errors/surface-not-allowed-error.js';
import { BODY_ROUTE, FASTIFY_ROUTE_CONFIG } from './body-reader.js';
import { takeOver } from './exchange.js';
import { receive } from './receive.js';
import { readCallOptions } from './request-options.js';
import { writeError, writeJson } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** What operators look at; behind a key with `admin: true` where keys are configured. */
export class AdminController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Post('router/explain')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  explain(@Req() request: unknown, @Res() reply: unknown): void {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      const { caller, body } = receive(exchange.request, request, guard);
      if (!caller.isAdmin) throw new SurfaceNotAllowedError('This route needs a key with `admin: true`.');
      const options = readCallOptions(exchange.request, caller);
      writeJson(exchange.response, 200, engine.pipeline.explain(body, options));
    } catch (error) {
      writeError(exchange.response, error);
    }
  }

  @Get('router/kpis')
  kpis(@Req() request: unknown, @Res() reply: unknown): void {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      guard.identifyAdmin(exchange.request);
      writeJson(exchange.response, 200, engine.kpis.report(), { 'cache-control': 'no-store' });
    } catch (error) {
      writeError(exchange.response, error);
    }
  }
}
