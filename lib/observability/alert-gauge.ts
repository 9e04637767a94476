import { Gauge, type Registry } from 'prom-client';
import type { Alert, TelemetryBus } from '../telemetry/index.js';

/** 1 while an alert stands, 0 from when it was cleared. */
export function registerAlertGauge(bus: TelemetryBus, registry: Registry): void {
  const gauge = new Gauge({
    name: 'llm_router_alert_active',
    help: 'Standing alerts: 1 by kind and by surface or deployment, 0 once cleared.',
    labelNames: ['kind', 'surface', 'deployment'] as const,
    registers: [registry],
  });
  const set = ({ kind, subject: { surface = '', deployment = '' } }: Alert, value: 0 | 1): void => {
    gauge.set({ kind, surface, deployment }, value);
  };
  bus.on('alert-raised', (alert) => {
    set(alert, 1);
  });
  bus.on('alert-cleared', (alert) => {
    set(alert, 0);
  });
}
