import { Get, HttpException, Req, Res } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthCheckService } from '@nestjs/terminus';
import { LlmProviderHealthIndicator } from '../health/index.js';
import { takeOver } from './exchange.js';
import { writeError, writeJson } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

const NO_STORE = { 'cache-control': 'no-store' };

/**
 * Probes, open to whoever asks: they name providers and counts, and nothing else. An outage of a provider is
 * `degraded` with 200; taking the pod away would not bring the provider back.
 */
export class HealthController {
  constructor(
    private readonly locator: RouterEngineLocator,
    private readonly moduleRef: ModuleRef,
    private readonly health: HealthCheckService,
  ) {}

  @Get('health')
  async check(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    const { response } = takeOver(request, reply);
    try {
      const providers = this.moduleRef.get(LlmProviderHealthIndicator, { strict: false });
      const result = await this.health.check(
        providers.names().map((name) => () => providers.isHealthy(name)),
      );
      writeJson(response, 200, result, NO_STORE);
    } catch (error) {
      if (error instanceof HttpException)
        writeJson(response, error.getStatus(), error.getResponse(), NO_STORE);
      else writeError(response, error);
    }
  }

  /** The process answers. */
  @Get('health/live')
  live(@Req() request: unknown, @Res() reply: unknown): void {
    writeJson(takeOver(request, reply).response, 200, { status: 'ok' }, NO_STORE);
  }

  /** 503 only before the boot is complete and once the application shuts down. */
  @Get('health/ready')
  ready(@Req() request: unknown, @Res() reply: unknown): void {
    const { response } = takeOver(request, reply);
    try {
      const { isReady } = this.locator.engine;
      writeJson(response, isReady ? 200 : 503, { status: isReady ? 'ok' : 'not_ready' }, NO_STORE);
    } catch (error) {
      writeError(response, error);
    }
  }
}
