import { RulesClassifier } from '../classification/index.js';
import type { LlmRouterConfiguration } from '../config/index.js';
import { createPlanExecutor, type PlanExecutor } from '../execution/index.js';
import { AlertStore, KpiStore, type PrometheusMetrics, SavingsStore } from '../observability/index.js';
import { buildRuntime, RequestPipeline, type RoutingRuntime, TurnMemory } from '../pipeline/index.js';
import { compileOptions } from '../planning/index.js';
import type { LlmUpstreams } from '../providers/llm-upstreams.js';
import { ProviderUpstreams } from '../providers/provider-upstreams.js';
import { ResponseItems } from './response-items.js';
import { LiveSignals } from '../signals/index.js';
import { TelemetryBus } from '../telemetry/index.js';

/** Longer than most answers take, shorter than an orchestrator's usual 30 s before it kills. */
const SHUTDOWN_GRACE_MS = 10_000;

/** Told how a shutdown goes; not at all while no request is under way. */
export interface DrainListener {
  /** So many requests have `graceMs` to finish. */
  onWaiting?(requests: number, graceMs: number): void;
  /** The time is over: so many are ended now. */
  onEnding?(requests: number, graceMs: number): void;
}

/** All parts of one router, put together once at boot. What the Nest layer injects stands on it. */
export class RouterEngine {
  readonly configuration: LlmRouterConfiguration;
  readonly runtime: RoutingRuntime;
  readonly bus = new TelemetryBus();
  readonly signals = new LiveSignals(this.bus);
  readonly kpis = new KpiStore(this.bus);
  readonly savings: SavingsStore;
  readonly alerts: AlertStore;
  readonly pipeline: RequestPipeline;
  /** Undefined: nothing is kept of answers. */
  readonly responseItems: ResponseItems | undefined;
  /** Told of faults of our own: the kind of error and the decision, nothing of the request. */
  onFault: (decisionId: string, error: unknown) => void = () => undefined;
  readonly #executor: PlanExecutor;
  #metrics: Promise<PrometheusMetrics> | undefined;
  #state: 'starting' | 'ready' | 'stopping' = 'starting';
  readonly #stopping = new AbortController();

  /** @throws {@link ConfigurationError} with every problem of the options. */
  constructor(options: unknown, upstreams: LlmUpstreams = new ProviderUpstreams()) {
    const compiled = compileOptions(options, upstreams.environment);
    this.configuration = compiled.configuration;
    this.runtime = buildRuntime(compiled, upstreams);
    upstreams.watch?.({
      bus: this.bus,
      policy: compiled.policy,
      signals: this.signals,
      stopping: this.#stopping.signal,
    });
    this.savings = new SavingsStore(this.bus, compiled.policy);
    this.alerts = new AlertStore(this.bus, compiled.policy, compiled.configuration.alerts);
    const { reasoningMemory } = compiled.configuration;
    // Two memories, one bound.
    const { maxEntries, ttlMs } = reasoningMemory;
    const half = { maxEntries, ttlMs, maxBytes: Math.floor(reasoningMemory.maxBytes / 2) };
    this.responseItems = reasoningMemory.enabled ? new ResponseItems(half) : undefined;
    this.signals.settings = () => this.runtime.policy.execution;
    this.#executor = createPlanExecutor(this.bus, this.signals, Math.random);
    this.pipeline = new RequestPipeline({
      runtime: () => this.runtime,
      classifier: new RulesClassifier(),
      signals: this.signals,
      executor: this.#executor,
      bus: this.bus,
      turns: reasoningMemory.enabled ? new TurnMemory(half) : undefined,
      random: Math.random,
      onFault: (decisionId, error) => {
        this.onFault(decisionId, error);
      },
    });
  }

  /**
   * Counts for Prometheus, from the first call on: who has a route for them asks at boot. Nobody else loads the package.
   */
  loadMetrics(): Promise<PrometheusMetrics> {
    this.#metrics ??= import('../observability/prometheus-metrics.js').then(
      ({ PrometheusMetrics: Metrics }) => new Metrics(this.bus),
    );
    return this.#metrics;
  }

  /** The boot is complete and no shutdown has begun. */
  get isReady(): boolean {
    return this.#state === 'ready';
  }

  markReady(): void {
    if (this.#state === 'starting') this.#state = 'ready';
  }

  /** Readiness goes off: an orchestrator sends nobody here any more. What comes all the same is still served. */
  markStopping(): void {
    this.#state = 'stopping';
    this.#stopping.abort();
  }

  /** Readiness goes off, no new request is taken, those under way finish or are ended after the grace period. */
  async drain(graceMs = SHUTDOWN_GRACE_MS, listener: DrainListener = {}): Promise<void> {
    this.markStopping();
    const { pipeline } = this;
    if (pipeline.inFlight > 0) listener.onWaiting?.(pipeline.inFlight, graceMs);
    // Set before the pipeline sets its own, and so told of what that will end.
    const timer = setTimeout(() => {
      if (pipeline.inFlight > 0) listener.onEnding?.(pipeline.inFlight, graceMs);
    }, graceMs);
    try {
      await pipeline.close(graceMs);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#executor.close();
    this.signals.close();
    this.alerts.close();
    await this.runtime.close();
  }
}
