import { Controller, Get } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { LlmProviderHealthIndicator, LlmSurfaceHealthIndicator } from 'nestjs-llm-router';

/** The application's own health: beside the models its database and its queues would stand here. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly providers: LlmProviderHealthIndicator,
    private readonly surfaces: LlmSurfaceHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      ...this.providers.names().map((name) => () => this.providers.isHealthy(name)),
      ...this.surfaces.names().map((name) => () => this.surfaces.isReady(name)),
    ]);
  }
}
