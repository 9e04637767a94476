import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { type Alert, TelemetryBus } from '../telemetry/index.js';
import { registerAlertGauge } from './alert-gauge.js';

const ALERT: Alert = {
  id: 'alert_1',
  kind: 'error_rate',
  severity: 'warning',
  subject: { provider: 'one' },
  value: 0.1,
  worstValue: 0.1,
  threshold: 0.02,
  requests: 300,
  windowMs: 300_000,
  message: '',
  since: '',
  criticalSince: null,
  clearedAt: null,
};

it('is 1 under the severity that an alert has now, and 0 under every other', async () => {
  const bus = new TelemetryBus();
  const registry = new Registry();
  registerAlertGauge(bus, registry);
  const read = async (): Promise<string[]> =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('llm_router_alert_active'))
      .map((line) => line.replace(/^.*severity="(\w+)".*provider="(\w+)".* (\d)$/, '$1 $2 $3'));
  bus.emit('alert-raised', ALERT);
  expect(await read()).toEqual(['warning one 1']);
  bus.emit('alert-escalated', { ...ALERT, severity: 'critical' });
  expect(await read()).toEqual(['warning one 0', 'critical one 1']);
  bus.emit('alert-cleared', { ...ALERT, severity: 'critical' });
  expect(await read()).toEqual(['warning one 0', 'critical one 0']);
});
