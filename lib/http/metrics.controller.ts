import { Get, Req, Res } from '@nestjs/common';
import { takeOver } from './exchange.js';
import { writeError } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** What Prometheus scrapes. */
export class MetricsController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Get('metrics')
  async metrics(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      guard.checkMetrics(exchange.request);
      const { registry } = engine.metrics;
      const text = await registry.metrics();
      exchange.response.writeHead(200, { 'content-type': registry.contentType });
      exchange.response.end(text);
    } catch (error) {
      writeError(exchange.response, error);
    }
  }
}
