import { Get, type OnModuleInit, Req, Res } from '@nestjs/common';
import { takeOver } from './exchange.js';
import { writeError } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** What Prometheus scrapes. */
export class MetricsController implements OnModuleInit {
  constructor(private readonly locator: RouterEngineLocator) {}

  /** Counting begins before the first request. */
  async onModuleInit(): Promise<void> {
    await this.locator.engine.loadMetrics();
  }

  @Get('metrics')
  async metrics(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      guard.checkMetrics(exchange.request);
      const { registry } = await engine.loadMetrics();
      const text = await registry.metrics();
      exchange.response.writeHead(200, { 'content-type': registry.contentType });
      exchange.response.end(text);
    } catch (error) {
      writeError(exchange.response, error);
    }
  }
}
