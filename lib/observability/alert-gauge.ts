import { Gauge, type Registry } from 'prom-client';
import type { Alert, TelemetryBus } from '../telemetry/index.js';

const LABELS = ['kind', 'severity', 'surface', 'deployment', 'provider', 'model', 'budget'] as const;

/** 1 while an alert stands, 0 from when it was cleared. All labels come from the configuration. */
export function registerAlertGauge(bus: TelemetryBus, registry: Registry): void {
  const gauge = new Gauge({
    name: 'llm_router_alert_active',
    help: 'Standing alerts: 1 by kind, severity and by surface, deployment, provider, model or budget, 0 once cleared.',
    labelNames: LABELS,
    // An alert that stands in two routers or workers stands once.
    aggregator: 'max',
    registers: [registry],
  });
  const set = ({ kind, severity, subject }: Alert, value: 0 | 1): void => {
    const { surface = '', deployment = '', provider = '', model = '', budget = '' } = subject;
    gauge.set({ kind, severity, surface, deployment, provider, model, budget }, value);
  };
  bus.on('alert-raised', (alert) => {
    set(alert, 1);
  });
  bus.on('alert-escalated', (alert) => {
    set({ ...alert, severity: 'warning' }, 0);
    set(alert, 1);
  });
  bus.on('alert-cleared', (alert) => {
    set(alert, 0);
  });
}
