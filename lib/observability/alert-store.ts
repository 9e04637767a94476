import { randomUUID } from 'node:crypto';
import { INTERACTIVE_SLO_MS, type PolicySnapshot } from '../planning/index.js';
import type {
  Alert,
  AttemptRecord,
  DeploymentPassedOver,
  Outcome,
  RequestRecord,
  TelemetryBus,
} from '../telemetry/index.js';
import type { AlertReport } from './alert-report.js';
import { type AlertReading, type AlertWatch, ErrorRateWatch, LatencySloWatch } from './alert-watch.js';
import { isLatencySample } from './kpi-cell.js';

/** An alert stands until the bad share has come down to half of its limit, so that noise cannot make it flap. */
const CLEAR_AT = 0.5;
const KEPT = 50;
/** So many calls must be judged, however many requests passed the deployment over. */
const LEAST_CALLS = 5;
const MAX_INTERVAL_MS = 1_000;

/** The validated options. */
export interface AlertSettings {
  readonly enabled: boolean;
  readonly errorRate: number;
  readonly minRequests: number;
  readonly windowMs: number;
}

/** What is watched of one surface. */
interface SurfaceWatches {
  readonly errors: ErrorRateWatch;
  readonly latency: LatencySloWatch;
  /** The user wrote the SLO down. The default one is about interactive streams: whole answers rarely take 2 s. */
  readonly isSloExplicit: boolean;
}

interface OpenAlert {
  readonly alert: Alert;
  readonly watch: AlertWatch;
}

/** Refused, shed and abandoned requests are nobody's failure. */
function isJudged(outcome: Outcome): boolean {
  return outcome === 'succeeded' || outcome === 'failed' || outcome === 'timed_out';
}

function latencyOf(record: RequestRecord): number | undefined {
  if (!isLatencySample(record.outcome)) return undefined;
  if (record.streamed && record.timeToFirstTokenMs !== undefined) return record.timeToFirstTokenMs;
  // Who waited in vain waited at least so long. An error's time says nothing.
  if (record.outcome === 'timed_out') return record.durationMs;
  return !record.streamed && record.outcome === 'succeeded' ? record.durationMs : undefined;
}

/**
 * Raises and clears alerts: error rate by deployment and by surface, latency by surface. A record only counts; the
 * watches are looked at by a timer, at most once a second, and only while something was counted or an alert stands.
 *
 * An alert is raised on enough traffic alone. It is cleared when what is in the window is healthy, however little that
 * is; an empty window clears it too, since nothing bad is known any more. Memory is bounded by the configuration.
 */
export class AlertStore {
  readonly #deployments = new Map<string, ErrorRateWatch>();
  readonly #surfaces = new Map<string, SurfaceWatches>();
  #watches: AlertWatch[] = [];
  readonly #open = new Map<AlertWatch, OpenAlert>();
  readonly #recent: Alert[] = [];
  readonly #subscriptions: (() => void)[];
  /** Undefined: any deployment that is called. */
  #known: ReadonlySet<string> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    private readonly bus: TelemetryBus,
    policy: Pick<PolicySnapshot, 'surfaces' | 'defaultSurface'>,
    private settings: AlertSettings,
    private readonly now: () => number = Date.now,
  ) {
    this.watchSurfaces(policy);
    this.#subscriptions = [
      bus.on('attempt-ended', (record) => {
        this.countAttempt(record);
      }),
      bus.on('deployment-passed-over', (event) => {
        this.countPassedOver(event);
      }),
      bus.on('request-ended', (record) => {
        this.countRequest(record);
      }),
    ];
  }

  /**
   * Watches under another policy from now on. What was counted stays where the subject, its SLO and the window are the
   * same; alerts of subjects that are gone, or are watched anew, are cleared.
   */
  follow(
    policy: Pick<PolicySnapshot, 'surfaces' | 'defaultSurface'>,
    deployments: ReadonlySet<string>,
    settings: AlertSettings,
  ): void {
    this.settings = settings;
    this.#known = deployments;
    const { enabled, errorRate, windowMs } = settings;
    for (const [deployment, watch] of this.#deployments) {
      if (!enabled || !deployments.has(deployment) || watch.windowMs !== windowMs) {
        this.#deployments.delete(deployment);
      } else watch.limitShare = errorRate;
    }
    this.watchSurfaces(policy);
    const surfaces = [...this.#surfaces.values()].flatMap(({ errors, latency }) => [errors, latency]);
    this.#watches = [...this.#deployments.values(), ...surfaces];
    const watched = new Set(this.#watches);
    for (const open of [...this.#open.values()]) {
      if (!watched.has(open.watch)) this.clear(open.watch, open.alert, this.now());
    }
  }

  report(): AlertReport {
    this.evaluate();
    return {
      enabled: this.settings.enabled,
      active: [...this.#open.values()].map(({ alert }) => alert),
      recent: [...this.#recent],
    };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  private watchSurfaces({
    defaultSurface,
    surfaces,
  }: Pick<PolicySnapshot, 'surfaces' | 'defaultSurface'>): void {
    const { enabled, errorRate, windowMs } = this.settings;
    const before = new Map(this.#surfaces);
    this.#surfaces.clear();
    if (!enabled) return;
    for (const { name, latencySloMs } of [defaultSurface, ...surfaces.values()]) {
      const subject = { surface: name };
      const sloMs = latencySloMs ?? INTERACTIVE_SLO_MS;
      const known = before.get(name);
      const isSloExplicit = latencySloMs !== undefined;
      const errors =
        known?.errors.windowMs === windowMs ? known.errors : new ErrorRateWatch(subject, errorRate, windowMs);
      errors.limitShare = errorRate;
      // An SLO that nobody wrote is about other requests than one of the same length that somebody did.
      const isSameSlo =
        known?.latency.threshold === sloMs &&
        known.latency.windowMs === windowMs &&
        known.isSloExplicit === isSloExplicit;
      const latency = isSameSlo ? known.latency : new LatencySloWatch(subject, sloMs, windowMs);
      this.#surfaces.set(name, { errors, latency, isSloExplicit });
    }
    this.#watches = [...this.#surfaces.values()].flatMap(({ errors, latency }) => [errors, latency]);
  }

  private countAttempt({ deployment, outcome }: AttemptRecord): void {
    if (!this.settings.enabled || !isJudged(outcome) || this.#known?.has(deployment) === false) return;
    let watch = this.#deployments.get(deployment);
    if (watch === undefined) {
      // Made with the first call: most models of the catalogue never serve.
      watch = new ErrorRateWatch({ deployment }, this.settings.errorRate, this.settings.windowMs);
      this.#deployments.set(deployment, watch);
      this.#watches.push(watch);
    }
    watch.add(this.now(), outcome !== 'succeeded');
    this.schedule();
  }

  private countPassedOver({ deployment }: DeploymentPassedOver): void {
    this.#deployments.get(deployment)?.addPassedOver(this.now());
    this.schedule();
  }

  private countRequest(record: RequestRecord): void {
    const watches = this.#surfaces.get(record.surface);
    if (watches === undefined || !isJudged(record.outcome)) return;
    const nowMs = this.now();
    watches.errors.add(nowMs, record.outcome !== 'succeeded');
    const latencyMs = latencyOf(record);
    const isUnderSlo = watches.isSloExplicit || (record.streamed && record.workload === 'interactive');
    if (latencyMs !== undefined && isUnderSlo) watches.latency.add(nowMs, latencyMs);
    this.schedule();
  }

  private schedule(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const intervalMs = Math.min(MAX_INTERVAL_MS, this.settings.windowMs / 10);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.evaluate();
      // An open alert clears in quiet times too: nobody else would come by.
      if (this.#open.size > 0) this.schedule();
    }, intervalMs).unref();
  }

  private evaluate(): void {
    const nowMs = this.now();
    for (const watch of this.#watches) {
      const reading = watch.read(nowMs);
      const open = this.#open.get(watch);
      if (open === undefined) {
        if (this.isEnough(reading) && reading.badShare > watch.limitShare) this.raise(watch, reading, nowMs);
      } else {
        this.track(open, reading, nowMs);
      }
    }
  }

  /**
   * A deployment that is down is hardly called any more, so that its calls alone would never be enough, and the worst
   * failure of all would go unheard. The requests that passed it over count as traffic, once some calls have failed.
   */
  private isEnough({ requests, passedOver }: AlertReading): boolean {
    const { minRequests } = this.settings;
    return requests + passedOver >= minRequests && requests >= Math.min(minRequests, LEAST_CALLS);
  }

  private raise(watch: AlertWatch, { value, requests }: AlertReading, nowMs: number): void {
    const { kind, subject, threshold } = watch;
    const alert: Alert = {
      id: `alert_${randomUUID()}`,
      kind,
      subject,
      value,
      worstValue: value,
      threshold,
      requests,
      windowMs: this.settings.windowMs,
      since: new Date(nowMs).toISOString(),
      clearedAt: null,
    };
    this.#open.set(watch, { alert, watch });
    this.bus.emit('alert-raised', alert);
  }

  private track({ alert, watch }: OpenAlert, reading: AlertReading, nowMs: number): void {
    const { value, requests, passedOver, badShare } = reading;
    // Not called only because it fails: that is no sign of health.
    const isShunned = requests === 0 && passedOver > 0;
    const isCleared = badShare <= watch.limitShare * CLEAR_AT && !isShunned;
    const followed: Alert = {
      ...alert,
      value,
      requests,
      // The limit may have been changed meanwhile.
      threshold: watch.threshold,
      worstValue: Math.max(alert.worstValue, value),
    };
    if (isCleared) this.clear(watch, followed, nowMs);
    else this.#open.set(watch, { alert: followed, watch });
  }

  private clear(watch: AlertWatch, alert: Alert, nowMs: number): void {
    const cleared: Alert = { ...alert, clearedAt: new Date(nowMs).toISOString() };
    this.#open.delete(watch);
    this.#recent.unshift(cleared);
    this.#recent.length = Math.min(this.#recent.length, KEPT);
    this.bus.emit('alert-cleared', cleared);
  }
}
