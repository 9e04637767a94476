import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Alert, AlertSeverity, AlertSubject, TelemetryBus } from '../../telemetry/index.js';
import type { AlertReport, AlertStateFilter } from './alert-report.js';
import type { AlertLook, AlertWatch } from './alert-watch.js';

const KEPT = 50;

/** The alerts that stand, one a watch, and the last that were cleared. Tells the bus of each change. */
export class OpenAlerts {
  readonly #open = new Map<AlertWatch, Alert>();
  readonly #recent: Alert[] = [];
  /** Whoever hears of an alert is not in the context of the request that happened to bring it up. */
  readonly #outside = new AsyncResource('LlmRouterAlerts');

  constructor(private readonly bus: TelemetryBus) {}

  get size(): number {
    return this.#open.size;
  }

  has(watch: AlertWatch): boolean {
    return this.#open.has(watch);
  }

  watches(): AlertWatch[] {
    return [...this.#open.keys()];
  }

  /** What the watch sees now makes an alert, or changes the one that stands. */
  take(watch: AlertWatch, look: AlertLook, nowMs: number): void {
    const alert = this.#open.get(watch);
    if (alert === undefined) {
      if (look.state === 'warning' || look.state === 'critical') this.raise(watch, look, look.state, nowMs);
      return;
    }
    const followed = follow(alert, watch, look);
    if (look.state === 'well') this.clear(watch, followed, nowMs);
    else if (look.state === 'critical' && alert.severity === 'warning') {
      const critical: Alert = {
        ...followed,
        severity: 'critical',
        criticalSince: new Date(nowMs).toISOString(),
      };
      this.#open.set(watch, critical);
      this.emit('alert-escalated', critical);
    } else this.#open.set(watch, followed);
  }

  /** Nobody watches it any more. */
  drop(watch: AlertWatch, nowMs: number): void {
    const alert = this.#open.get(watch);
    if (alert !== undefined) this.clear(watch, alert, nowMs);
  }

  /** Whoever keeps an incident by an alert's id would wait for its end for ever. */
  shutDown(nowMs: number): void {
    for (const [watch, alert] of [...this.#open])
      this.clear(watch, { ...alert, clearedBy: 'shutdown' }, nowMs);
  }

  report(enabled: boolean, state: AlertStateFilter | undefined): AlertReport {
    const active = state === 'cleared' ? [] : [...this.#open.values()];
    const recent = state === 'active' ? [] : [...this.#recent];
    const history = [...active.toReversed(), ...recent].sort((first, second) =>
      second.since < first.since ? -1 : second.since > first.since ? 1 : 0,
    );
    return { enabled, active, recent, history };
  }

  private raise(watch: AlertWatch, look: AlertLook, severity: AlertSeverity, nowMs: number): void {
    const { kind, subject, threshold, windowMs } = watch;
    const since = new Date(nowMs).toISOString();
    const alert: Alert = {
      id: `alert_${randomUUID()}`,
      kind,
      severity,
      subject,
      value: look.value,
      worstValue: look.value,
      threshold,
      requests: look.requests,
      windowMs,
      message: messageOf(subject, look),
      since,
      criticalSince: severity === 'critical' ? since : null,
      clearedAt: null,
    };
    this.#open.set(watch, alert);
    this.emit('alert-raised', alert);
  }

  private clear(watch: AlertWatch, alert: Alert, nowMs: number): void {
    const cleared: Alert = { ...alert, clearedAt: new Date(nowMs).toISOString() };
    this.#open.delete(watch);
    this.#recent.unshift(cleared);
    this.#recent.length = Math.min(this.#recent.length, KEPT);
    this.emit('alert-cleared', cleared);
  }

  private emit(name: 'alert-raised' | 'alert-escalated' | 'alert-cleared', alert: Alert): void {
    this.#outside.runInAsyncScope(() => {
      this.bus.emit(name, alert);
    });
  }
}

function follow(alert: Alert, watch: AlertWatch, look: AlertLook): Alert {
  const { value, requests } = look;
  const worse = watch.isLowBad === true ? Math.min : Math.max;
  return {
    ...alert,
    value,
    requests,
    // The limit may have been changed meanwhile.
    threshold: watch.threshold,
    worstValue: worse(alert.worstValue, value),
    message: messageOf(watch.subject, look),
  };
}

function messageOf(subject: AlertSubject, { text }: AlertLook): string {
  return `${nameOf(subject)}: ${text}`;
}

function nameOf({ deployment, provider, surface, model, budget }: AlertSubject): string {
  if (deployment !== undefined) return deployment;
  if (provider !== undefined) return `provider ${provider}`;
  if (model !== undefined) return `model ${model} on surface ${surface ?? ''}`;
  if (budget !== undefined) return budget;
  return `surface ${surface ?? ''}`;
}
