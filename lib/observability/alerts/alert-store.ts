import { INTERACTIVE_SLO_MS, type PolicyDeployment, type PolicySnapshot } from '../../planning/index.js';
import type { LlmRouterErrorCode } from '../../errors/llm-router-error.js';
import type {
  AttemptRecord,
  BreakerChanged,
  BudgetEvent,
  DeploymentPassedOver,
  FeedbackGiven,
  Outcome,
  RequestRecord,
  TelemetryBus,
} from '../../telemetry/index.js';
import { isLatencySample } from '../kpi-cell.js';
import type { AlertReport, AlertStateFilter } from './alert-report.js';
import { type AlertSettings, readAlertSettings, type ReadAlertSettings } from './alert-settings.js';
import type { AlertWatch } from './alert-watch.js';
import { BreakerWatch } from './breaker-watch.js';
import { BudgetWatch, subjectOf } from './budget-watch.js';
import { isSameModel } from './is-same-model.js';
import { LatencySloWatch } from './latency-slo-watch.js';
import { NoModelWatch, type SurfaceEnd } from './no-model-watch.js';
import { OpenAlerts } from './open-alerts.js';
import { QualityWatch } from './quality-watch.js';
import { EndCounts, type Judged, ProviderCounts, RateWatch } from './rate-watch.js';
import { UnknownModelWatch, UnknownPriceWatch } from './serving-watch.js';

const MAX_INTERVAL_MS = 1_000;

/** What of a policy alerts go by. */
export type WatchedPolicy = Pick<
  PolicySnapshot,
  'surfaces' | 'defaultSurface' | 'models' | 'modelNames' | 'budgets'
>;

/** What is watched of one deployment, made with its first call: most models of the catalogue never serve. */
interface DeploymentWatches {
  readonly counts: EndCounts;
  readonly errors: RateWatch;
  readonly timeouts: RateWatch;
  readonly breaker: BreakerWatch;
  readonly price: UnknownPriceWatch;
  readonly model: UnknownModelWatch;
}

interface ProviderWatches {
  readonly counts: ProviderCounts;
  readonly errors: RateWatch;
  readonly timeouts: RateWatch;
}

/** What is watched of one surface. */
interface SurfaceWatches {
  readonly counts: EndCounts;
  readonly errors: RateWatch;
  readonly latency: LatencySloWatch;
  /** The user wrote the SLO down. The default one is about interactive streams: whole answers rarely take 2 s. */
  readonly isSloExplicit: boolean;
  readonly noModel: NoModelWatch;
  /** By model. */
  readonly quality: Map<string, QualityWatch>;
}

/** Refused, shed and abandoned requests are nobody's failure. */
function judgedAs(outcome: Outcome): Judged | undefined {
  if (outcome === 'succeeded') return 'good';
  return outcome === 'failed' || outcome === 'timed_out' ? outcome : undefined;
}

/** With these nothing could serve it; whatever else it ends with may be its caller's fault. */
const NOT_SERVED: ReadonlySet<LlmRouterErrorCode> = new Set<LlmRouterErrorCode>([
  'all_attempts_failed',
  'rate_limit_exceeded',
  'overloaded',
  'deadline_exceeded',
]);

function surfaceEndOf({ outcome, errorCode }: RequestRecord): SurfaceEnd | undefined {
  if (outcome === 'succeeded') return 'served';
  // Gone, or with a deadline of its own too short: it is told of that, and nothing failed.
  if (outcome === 'client_left') return undefined;
  if (errorCode === 'no_eligible_model') return 'refused';
  return errorCode !== undefined && NOT_SERVED.has(errorCode) ? 'failed' : undefined;
}

function latencyOf(record: RequestRecord): number | undefined {
  if (!isLatencySample(record.outcome)) return undefined;
  if (record.streamed && record.timeToFirstTokenMs !== undefined) return record.timeToFirstTokenMs;
  // Who waited in vain waited at least so long. An error's time says nothing.
  if (record.outcome === 'timed_out') return record.durationMs;
  return !record.streamed && record.outcome === 'succeeded' ? record.durationMs : undefined;
}

/**
 * Raises, escalates and clears alerts. A record only counts; the watches are looked at by a timer, at most once a second,
 * and only while something was counted or an alert stands.
 *
 * A rate raises an alert on enough traffic alone, and when it is over its limit beyond chance. The alert is cleared when what
 * is in the window is healthy, however little that is; an empty window clears it too, since nothing bad is known any
 * more. Not so where requests pass the deployment over, as a critical alert itself has them do: then it takes calls enough
 * that went well, or a slow window without a call. Memory is bounded by the configuration.
 */
export class AlertStore {
  readonly #deployments = new Map<string, DeploymentWatches>();
  readonly #providers = new Map<string, ProviderWatches>();
  readonly #surfaces = new Map<string, SurfaceWatches>();
  readonly #budgets = new Map<string, BudgetWatch>();
  readonly #open: OpenAlerts;
  readonly #subscriptions: (() => void)[];
  /** Those of the policy, by id. */
  #known: ReadonlyMap<string, PolicyDeployment> = new Map();
  #policy: WatchedPolicy;
  #settings: ReadAlertSettings;
  #watches: AlertWatch[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    bus: TelemetryBus,
    policy: WatchedPolicy,
    settings: AlertSettings,
    private readonly now: () => number = Date.now,
  ) {
    this.#open = new OpenAlerts(bus);
    this.#policy = policy;
    this.#settings = readAlertSettings(settings);
    this.watchPolicy();
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
      bus.on('breaker-changed', (event) => {
        this.countBreaker(event);
      }),
      bus.on('budget-nearly-spent', (event) => {
        this.countBudget(event, false);
      }),
      bus.on('budget-spent', (event) => {
        this.countBudget(event, true);
      }),
      bus.on('answer-evaluated', (event) => {
        this.countScore(event);
      }),
      bus.on('feedback-given', (event) => {
        this.countScore(event);
      }),
    ];
  }

  /**
   * Watches under another policy from now on. What was counted stays where the subject, its SLO and the windows are the
   * same; alerts of subjects that are gone, or are watched anew, are cleared.
   */
  follow(policy: WatchedPolicy, settings: AlertSettings): void {
    const before = this.#settings;
    this.#policy = policy;
    this.#settings = readAlertSettings(settings);
    const { enabled, windowMs, slowWindowMs } = this.#settings;
    if (!enabled || before.windowMs !== windowMs || before.slowWindowMs !== slowWindowMs) {
      for (const watched of [this.#deployments, this.#providers, this.#surfaces]) watched.clear();
    }
    this.watchPolicy();
    const watched = new Set(this.#watches);
    const nowMs = this.now();
    for (const watch of this.#open.watches()) if (!watched.has(watch)) this.#open.drop(watch, nowMs);
  }

  report(state?: AlertStateFilter): AlertReport {
    this.evaluate();
    return this.#open.report(this.#settings.enabled, state);
  }

  /** Clears what stands, as a process that ends in order does, and closes. */
  shutDown(): void {
    if (this.#isClosed) return;
    this.close();
    this.#open.shutDown(this.now());
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  private readonly settings = (): ReadAlertSettings => this.#settings;

  private watchPolicy(): void {
    const { models, budgets } = this.#policy;
    const { enabled } = this.#settings;
    this.#known = new Map(
      [...models.values()].flatMap(({ deployments }) => deployments.map((one) => [one.id, one])),
    );
    for (const [id, watches] of this.#deployments) {
      const deployment = this.#known.get(id);
      if (deployment === undefined) this.#deployments.delete(id);
      else if (deployment.price !== undefined) {
        this.#deployments.set(id, { ...watches, price: new UnknownPriceWatch({ deployment: id }) });
      }
    }
    // They hold what the deployments count, some of which may be gone.
    const providers = new Map(this.#providers);
    this.#providers.clear();
    for (const [id, { counts }] of this.#deployments) {
      const provider = this.#known.get(id)?.provider;
      if (provider !== undefined) this.addToProvider(provider, id, counts, providers.get(provider));
    }
    const limits = [budgets.surfaces, budgets.tenants, budgets.keys]
      .flatMap((ofScope) => [...ofScope.values()].flat())
      .concat(budgets.defaultTenant);
    for (const [key, { event }] of this.#budgets) {
      const isSame = limits.some(
        ({ scope, name, per, limitUsd }) =>
          scope === event.scope &&
          per === event.per &&
          limitUsd === event.limitUsd &&
          (name === event.name || !event.isConfigured),
      );
      if (!enabled || !isSame) this.#budgets.delete(key);
    }
    this.watchSurfaces();
    this.listWatches();
  }

  private watchSurfaces(): void {
    const { defaultSurface, surfaces, models } = this.#policy;
    const { enabled, latencyPercentile, windowMs, slowWindowMs } = this.#settings;
    const before = new Map(this.#surfaces);
    this.#surfaces.clear();
    if (!enabled) return;
    for (const { name, latencySloMs } of [defaultSurface, ...surfaces.values()]) {
      const subject = { surface: name };
      const sloMs = latencySloMs ?? INTERACTIVE_SLO_MS;
      const known = before.get(name);
      const isSloExplicit = latencySloMs !== undefined;
      // An SLO that nobody wrote is about other requests than one of the same length that somebody did.
      const isSameSlo =
        known?.latency.threshold === sloMs &&
        known.latency.percentile === latencyPercentile &&
        known.isSloExplicit === isSloExplicit;
      const counts = known?.counts ?? new EndCounts(windowMs, slowWindowMs);
      const quality = known?.quality ?? new Map<string, QualityWatch>();
      for (const model of quality.keys()) if (!models.has(model)) quality.delete(model);
      this.#surfaces.set(name, {
        counts,
        errors: known?.errors ?? new RateWatch('errors', subject, counts, this.settings),
        latency: isSameSlo
          ? known.latency
          : new LatencySloWatch(subject, sloMs, latencyPercentile, this.settings),
        isSloExplicit,
        noModel: known?.noModel ?? new NoModelWatch(subject, this.settings),
        quality,
      });
    }
  }

  private listWatches(): void {
    const { ignored } = this.#settings;
    const all: AlertWatch[] = [
      ...[...this.#deployments.values()].flatMap(({ errors, timeouts, breaker, price, model }) => [
        errors,
        timeouts,
        breaker,
        price,
        model,
      ]),
      ...[...this.#providers.values()].flatMap(({ errors, timeouts }) => [errors, timeouts]),
      ...[...this.#surfaces.values()].flatMap(({ errors, latency, noModel, quality }) => [
        errors,
        latency,
        noModel,
        ...quality.values(),
      ]),
      ...this.#budgets.values(),
    ];
    this.#watches = all.filter(({ kind }) => !ignored.has(kind));
  }

  /** Undefined: nothing is watched, or it is not of this policy. */
  private watchesOf(id: string): DeploymentWatches | undefined {
    const known = this.#deployments.get(id);
    if (known !== undefined) return known;
    const deployment = this.#known.get(id);
    if (!this.#settings.enabled || deployment === undefined) return undefined;
    const { windowMs, slowWindowMs } = this.#settings;
    const subject = { deployment: id };
    const counts = new EndCounts(windowMs, slowWindowMs);
    const watches: DeploymentWatches = {
      counts,
      errors: new RateWatch('errors', subject, counts, this.settings),
      timeouts: new RateWatch('timeouts', subject, counts, this.settings),
      breaker: new BreakerWatch(subject, this.settings),
      price: new UnknownPriceWatch(subject),
      model: new UnknownModelWatch(subject, this.settings),
    };
    this.#deployments.set(id, watches);
    this.addToProvider(deployment.provider, id, counts, this.#providers.get(deployment.provider));
    this.listWatches();
    return watches;
  }

  private addToProvider(
    provider: string,
    deployment: string,
    counts: EndCounts,
    before: ProviderWatches | undefined,
  ): void {
    let watches = this.#providers.get(provider);
    if (watches === undefined) {
      // The watches stay, or their alerts would be others; what they sum up is put together anew.
      const ofProvider = before?.counts ?? new ProviderCounts();
      ofProvider.clear();
      watches = before ?? {
        counts: ofProvider,
        errors: new RateWatch('errors', { provider }, ofProvider, this.settings),
        timeouts: new RateWatch('timeouts', { provider }, ofProvider, this.settings),
      };
      this.#providers.set(provider, watches);
    }
    watches.counts.add(deployment, counts);
  }

  private countAttempt({ deployment: id, outcome, reportedModel, cutShort }: AttemptRecord): void {
    // It was not given the time: that says nothing of the deployment.
    if (cutShort === true) return;
    const end = judgedAs(outcome);
    const watches = end === undefined ? undefined : this.watchesOf(id);
    const deployment = this.#known.get(id);
    if (end === undefined || watches === undefined || deployment === undefined) return;
    const nowMs = this.now();
    watches.counts.add(nowMs, end);
    if (end === 'good' && deployment.price === undefined) watches.price.add();
    if (
      reportedModel !== undefined &&
      reportedModel !== '' &&
      !this.isConfigured(deployment, reportedModel)
    ) {
      watches.model.seen(nowMs, reportedModel);
    }
    this.schedule();
  }

  private isConfigured({ upstreamModel, model }: PolicyDeployment, reported: string): boolean {
    if (reported === upstreamModel || this.#policy.modelNames.get(reported) === model.name) return true;
    return isSameModel(reported, [upstreamModel, model.name]);
  }

  private countPassedOver({ deployment }: DeploymentPassedOver): void {
    const watches = this.#deployments.get(deployment);
    if (watches === undefined) return;
    watches.counts.add(this.now(), 'passed_over');
    this.schedule();
  }

  private countRequest(record: RequestRecord): void {
    const watches = this.#surfaces.get(record.surface);
    if (watches === undefined) return;
    const nowMs = this.now();
    const surfaceEnd = surfaceEndOf(record);
    const end = judgedAs(record.outcome);
    if (surfaceEnd === undefined && end === undefined) return;
    if (surfaceEnd !== undefined) watches.noModel.add(nowMs, surfaceEnd);
    if (end !== undefined) {
      watches.counts.add(nowMs, end);
      const latencyMs = latencyOf(record);
      const isUnderSlo = watches.isSloExplicit || (record.streamed && record.workload === 'interactive');
      if (latencyMs !== undefined && isUnderSlo) watches.latency.add(nowMs, latencyMs);
    }
    this.schedule();
  }

  private countBreaker(event: BreakerChanged): void {
    const watches = event.to === 'open' ? this.watchesOf(event.deployment) : undefined;
    (watches ?? this.#deployments.get(event.deployment))?.breaker.changed(this.now(), event);
    this.schedule();
  }

  private countBudget(event: BudgetEvent, isSpent: boolean): void {
    if (!this.#settings.enabled) return;
    const key = subjectOf(event).budget ?? '';
    const watch = this.#budgets.get(key);
    if (watch === undefined) {
      this.#budgets.set(key, new BudgetWatch(event, isSpent));
      this.listWatches();
    } else watch.told(event, isSpent);
    this.schedule();
  }

  private countScore({ surface, model, score, replaces }: FeedbackGiven): void {
    const ofSurface = this.#surfaces.get(surface);
    if (ofSurface === undefined || !this.#policy.models.has(model)) return;
    let watch = ofSurface.quality.get(model);
    if (watch === undefined) {
      watch = new QualityWatch({ model, surface }, this.settings);
      ofSurface.quality.set(model, watch);
      this.listWatches();
    }
    watch.add(this.now(), score, replaces);
    this.schedule();
  }

  private schedule(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const intervalMs = Math.min(MAX_INTERVAL_MS, this.#settings.windowMs / 10);
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
      this.#open.take(watch, watch.look(nowMs, this.#open.has(watch)), nowMs);
    }
  }
}
