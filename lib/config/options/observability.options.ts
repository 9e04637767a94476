import { Section } from '../section.decorators.js';
import { DecisionsOptions } from './decisions.options.js';
import { KpiOptions } from './kpi.options.js';
import { MetricsOptions } from './metrics.options.js';
import { TracingOptions } from './tracing.options.js';

/**
 * What is shown of the router's work. Alerts and the file of requests have sections of their own (`alerts`, `requestLog`).
 *
 * @publicApi
 */
export class ObservabilityOptions {
  @Section(() => KpiOptions)
  kpis: KpiOptions = new KpiOptions();

  @Section(() => MetricsOptions)
  metrics: MetricsOptions = new MetricsOptions();

  @Section(() => TracingOptions)
  tracing: TracingOptions = new TracingOptions();

  @Section(() => DecisionsOptions)
  decisions: DecisionsOptions = new DecisionsOptions();
}
