import { isDeepStrictEqual } from 'node:util';
import { RulesClassifier } from '../classification/index.js';
import { type LlmRouterConfiguration, withFeatureSurfaces } from '../config/index.js';
import { ConfigurationError, OverloadedError } from '../errors/index.js';
import { createPlanExecutor, type PlanExecutor } from '../execution/index.js';
import {
  AlertStore,
  KpiStore,
  type PrometheusMetrics,
  RequestLog,
  SavingsStore,
} from '../observability/index.js';
import { buildRuntime, RequestPipeline, type RoutingRuntime } from '../pipeline/index.js';
import { type CompiledOptions, compileOptions, type PolicySnapshot } from '../planning/index.js';
import type { LlmUpstreams } from '../providers/llm-upstreams.js';
import { ProviderUpstreams } from '../providers/provider-upstreams.js';
import { type AnswerMemories, answerMemories } from './answer-memories.js';
import type { ReconfigureReport } from './reconfigure-report.js';
import type { ResponseItems } from './response-items.js';
import { LiveSignals } from '../signals/index.js';
import { TelemetryBus } from '../telemetry/index.js';

/** Within so long a configuration has been read, or it is refused. */
const READ_TIMEOUT_MS = 30_000;

/** What becomes of reconfigurations; the Nest layer logs it. */
export interface ReconfigureListener {
  onDone(report: ReconfigureReport, policy: PolicySnapshot): void;
  onRefused(reason: ConfigurationError, policy: PolicySnapshot): void;
}

/** Told how a shutdown goes; not at all while no request is under way. */
export interface DrainListener {
  /** So many requests have `graceMs` to finish. */
  onWaiting?(requests: number, graceMs: number): void;
  /** The time is over: so many are ended now. */
  onEnding?(requests: number, graceMs: number): void;
}

/**
 * All parts of one router, put together once at boot. What the Nest layer injects stands on it.
 *
 * The configuration is one immutable policy in one field. Whoever needs a piece of it asks here, at the time: so a
 * reconfiguration is one assignment, and nothing is left behind on the old one but the requests that took it along.
 */
export class RouterEngine {
  readonly bus = new TelemetryBus();
  readonly signals = new LiveSignals(this.bus);
  readonly kpis = new KpiStore(this.bus);
  readonly savings: SavingsStore;
  readonly alerts: AlertStore;
  readonly pipeline: RequestPipeline;
  /** Told of faults of our own: the kind of error and the decision, nothing of the request. */
  onFault: (decisionId: string, error: unknown) => void = () => undefined;
  /** Told why the request log cannot be written. */
  onRequestLogProblem: (problem: string) => void = () => undefined;
  readonly #requestLog = new RequestLog(this.bus, (problem) => {
    this.onRequestLogProblem(problem);
  });
  readonly #executor: PlanExecutor;
  /** What the application demands of a policy beside the proof. @throws {@link ConfigurationError}. */
  checkPolicy: (policy: PolicySnapshot) => void = () => undefined;
  reconfigureListener: ReconfigureListener | undefined;
  #runtime: RoutingRuntime;
  /** Replaced, with requests under way. */
  readonly #retired = new Set<RoutingRuntime>();
  #memories: AnswerMemories | undefined;
  #lastReconfiguration: Promise<unknown> = Promise.resolve();
  readonly #followers = new Set<() => void>();
  #metrics: Promise<PrometheusMetrics> | undefined;
  #state: 'starting' | 'ready' | 'stopping' = 'starting';
  readonly #stopping = new AbortController();

  /**
   * @param featureSurfaces - Those that features keep beside their code; they are part of every configuration.
   * @throws {@link ConfigurationError} with every problem of the options.
   */
  constructor(
    options: unknown,
    private readonly upstreams: LlmUpstreams = new ProviderUpstreams(),
    private readonly featureSurfaces: readonly unknown[] = [],
  ) {
    const compiled = this.compile(options);
    const { configuration, policy } = compiled;
    this.#runtime = this.show(buildRuntime(compiled, upstreams));
    this.savings = new SavingsStore(this.bus, policy);
    this.alerts = new AlertStore(this.bus, policy, configuration.alerts);
    this.#requestLog.follow(configuration.requestLog);
    this.#memories = answerMemories(configuration.reasoningMemory, undefined);
    this.signals.settings = () => this.#runtime.policy.execution;
    this.#executor = createPlanExecutor(this.bus, this.signals, Math.random);
    const turns = () => this.#memories?.turns;
    this.pipeline = new RequestPipeline({
      runtime: () => this.#runtime,
      classifier: new RulesClassifier(),
      signals: this.signals,
      executor: this.#executor,
      bus: this.bus,
      get turns() {
        return turns();
      },
      random: Math.random,
      onFault: (decisionId, error) => {
        this.onFault(decisionId, error);
      },
    });
  }

  /** The policy of now and all that belongs to it. */
  get runtime(): RoutingRuntime {
    return this.#runtime;
  }

  get configuration(): LlmRouterConfiguration {
    return this.#runtime.configuration;
  }

  /** Undefined: nothing is kept of answers. */
  get responseItems(): ResponseItems | undefined {
    return this.#memories?.items;
  }

  /**
   * Puts another configuration in the place of the one in force: proven as at the boot, then swapped at once. Requests
   * under way end under the policy and over the connections they began with. One after the other; the last one stays.
   *
   * @param read - Gives the raw options; whatever configuration error it throws refuses the reconfiguration.
   * @throws {@link ConfigurationError} with every problem, {@link OverloadedError} once the shutdown has begun; then
   * nothing has changed.
   */
  reconfigure(read: () => unknown): Promise<ReconfigureReport> {
    const done = this.#lastReconfiguration.then(() => this.replace(read));
    this.#lastReconfiguration = done.catch(() => undefined);
    return done;
  }

  /** Told after each reconfiguration. Gives a function that ends it. */
  onReconfigured(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
    };
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
  async drain(graceMs = this.configuration.shutdown.graceMs, listener: DrainListener = {}): Promise<void> {
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
    this.markStopping();
    // It is refused by now, but may have connections of its own to end.
    await this.#lastReconfiguration;
    this.#executor.close();
    this.signals.close();
    this.alerts.close();
    await Promise.all([this.#runtime, ...this.#retired].map((runtime) => runtime.close()));
    // What ended with the connections has its line too.
    await this.#requestLog.close();
  }

  private compile(options: unknown): CompiledOptions {
    return compileOptions(withFeatureSurfaces(options, this.featureSurfaces), this.upstreams.environment);
  }

  /** To upstreams that watch the router. */
  private show(runtime: RoutingRuntime): RoutingRuntime {
    this.upstreams.watch?.({
      bus: this.bus,
      policy: runtime.policy,
      signals: this.signals,
      stopping: this.#stopping.signal,
    });
    return runtime;
  }

  private async replace(read: () => unknown): Promise<ReconfigureReport> {
    const before = this.#runtime;
    try {
      this.refuseWhileStopping();
      const next = await this.prove(await this.inTime(read));
      this.swap(next);
      const report: ReconfigureReport = {
        hash: next.policy.hash,
        previousHash: before.policy.hash,
        changed: !isDeepStrictEqual(next.configuration, before.configuration),
        warnings: next.warnings,
      };
      this.reconfigureListener?.onDone(report, next.policy);
      return report;
    } catch (error) {
      if (error instanceof ConfigurationError) {
        this.reconfigureListener?.onRefused(error, before.policy);
      }
      throw error;
    }
  }

  /** A file on a disk that is gone may never be read: those who come later, and the shutdown, wait for it. */
  private async inTime(read: () => unknown): Promise<unknown> {
    const { signal } = this.#stopping;
    let end!: () => void;
    const isOver = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timer = setTimeout(end, READ_TIMEOUT_MS);
    signal.addEventListener('abort', end, { once: true });
    const refused = isOver.then(() => {
      this.refuseWhileStopping();
      throw new ConfigurationError([
        { path: 'configuration', message: `could not be read within ${READ_TIMEOUT_MS / 1_000} s` },
      ]);
    });
    try {
      return await Promise.race([read(), refused]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  /** The whole proof of the boot, over a configuration that is not in force. */
  private async prove(options: unknown): Promise<RoutingRuntime> {
    const compiled = this.compile(options);
    this.checkPolicy(compiled.policy);
    const runtime = this.connect(compiled);
    try {
      this.show(runtime);
      await runtime.ready();
      this.refuseWhileStopping();
    } catch (error) {
      await runtime.close();
      throw error;
    }
    return runtime;
  }

  private connect(compiled: CompiledOptions): RoutingRuntime {
    try {
      return buildRuntime(compiled, this.upstreams);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      // A certificate file that is gone, a proxy variable that is no address: the message may quote it.
      const { code, name } = error as NodeJS.ErrnoException;
      throw new ConfigurationError([
        {
          path: 'providers',
          message: `cannot be connected (${code ?? name}): see \`caFile\` and the proxy variables`,
        },
      ]);
    }
  }

  private refuseWhileStopping(): void {
    if (this.#state !== 'stopping') return;
    throw new OverloadedError('The application is shutting down and takes no other configuration.', 1_000);
  }

  private swap(next: RoutingRuntime): void {
    const before = this.#runtime;
    this.#runtime = next;

    this.#retired.add(before);
    const { configuration, policy } = next;
    this.#memories = answerMemories(configuration.reasoningMemory, this.#memories);
    this.alerts.follow(policy, deploymentsOf([policy]), configuration.alerts);
    this.#requestLog.follow(configuration.requestLog);
    this.forgetTheGone();
    for (const follower of this.#followers) follower();
    void this.retire(before);
  }

  /** Its connections end with the last request that uses them. Never throws. */
  private async retire(runtime: RoutingRuntime): Promise<void> {
    try {
      await runtime.whenFree();
      await runtime.close();
    } catch (error) {
      this.onFault('reconfigure', error);
    } finally {
      this.#retired.delete(runtime);
      this.forgetTheGone();
    }
  }

  /** What is counted by deployment goes with the last policy that knows it. */
  private forgetTheGone(): void {
    const { policy } = this.#runtime;
    const older = [...this.#retired].filter(({ isHeld }) => isHeld).map((runtime) => runtime.policy);
    this.savings.follow(policy, older);
    const deployments = deploymentsOf([policy, ...older]);
    this.signals.retain(deployments);
    this.#executor.retain(deployments);
  }
}

function deploymentsOf(policies: readonly PolicySnapshot[]): ReadonlySet<string> {
  const deployments = policies
    .flatMap(({ models }) => [...models.values()])
    .flatMap((model) => model.deployments);
  return new Set(deployments.map(({ id }) => id));
}
