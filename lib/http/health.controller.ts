import { Get, HttpException, Req, Res } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { LlmProviderHealthIndicator, LlmSurfaceHealthIndicator } from '../health/index.js';
import { takeOver } from './exchange.js';
import { writeError, writeJson } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

const NO_STORE = { 'cache-control': 'no-store' };

/**
 * Probes, open to whoever asks: they name providers, surfaces, models and counts, and nothing else. An outage is
 * `degraded` with 200, because taking the pod away would not bring the provider back, and the surfaces that nothing can
 * serve are `down` in it; one of `health.failOnSurfaces` is 503.
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
      const { surfaces } = this;
      const keyOf = (surface: string): string => surfaceKey(surface, providers.names());
      const down = surfaces.down().map(keyOf);
      try {
        const result = await this.health.check([
          ...providers.names().map((name) => () => providers.isHealthy(name)),
          ...surfaces.names().map((name) => () => surfaces.isReady(name, keyOf(name))),
        ]);
        writeJson(response, 200, withDown(result, down), NO_STORE);
      } catch (error) {
        if (!(error instanceof HttpException)) throw error;
        const result = error.getResponse() as HealthCheckResult;
        writeJson(response, error.getStatus(), withDown(result, down), NO_STORE);
      }
    } catch (error) {
      writeError(response, error);
    }
  }

  /** The process answers. */
  @Get('health/live')
  live(@Req() request: unknown, @Res() reply: unknown): void {
    writeJson(takeOver(request, reply).response, 200, { status: 'ok' }, NO_STORE);
  }

  /**
   * 503 only before the boot is complete, once the application shuts down, and while a surface of
   * `health.failOnSurfaces` cannot be served.
   */
  @Get('health/ready')
  ready(@Req() request: unknown, @Res() reply: unknown): void {
    const { response } = takeOver(request, reply);
    try {
      const { isReady } = this.locator.engine;
      const failing = isReady ? this.surfaces.failing() : [];
      if (isReady && failing.length === 0) writeJson(response, 200, { status: 'ok' }, NO_STORE);
      else {
        const why = failing.length > 0 ? { surfaces: failing } : {};
        writeJson(response, 503, { status: 'not_ready', ...why }, NO_STORE);
      }
    } catch (error) {
      writeError(response, error);
    }
  }

  private get surfaces(): LlmSurfaceHealthIndicator {
    return this.moduleRef.get(LlmSurfaceHealthIndicator, { strict: false });
  }
}

/** Says `down` of them, without what Terminus makes of that word: a 503, and a line in the log at each look. */
function withDown(result: HealthCheckResult, down: readonly string[]): HealthCheckResult {
  const { info = {}, error = {}, details } = result;
  const told = down.filter((key) => key in details && !(key in error));
  if (told.length === 0) return result;
  const states = Object.fromEntries(
    told.map((key) => {
      // Where Terminus has no word for `degraded`, it is in the detail.
      const { degraded: _degraded, ...detail }: Record<string, unknown> = details[key] ?? {};
      return [key, { ...detail, status: 'down' as const }];
    }),
  );
  return {
    ...result,
    info: Object.fromEntries(Object.entries(info).filter(([key]) => !(key in states))),
    error: { ...error, ...states },
    details: { ...details, ...states },
  };
}

/** As by default, and longer where a provider has that very name. */
function surfaceKey(surface: string, taken: readonly string[]): string {
  let key = `surface.${surface}`;
  while (taken.includes(key)) key = `surface.${key}`;
  return key;
}
