import { AsyncResource } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { BackgroundLane } from '../background/index.js';
import {
  AnswerChecker,
  type OnPlugInFault,
  RequestClassifier,
  type Scoring,
  TrainedScorer,
} from '../classification/index.js';
import { type LlmRouterConfiguration, withFeatureSurfaces } from '../config/index.js';
import { ConfigurationError, OverloadedError } from '../errors/index.js';
import { BudgetLedger } from '../cost/index.js';
import { createPlanExecutor, type PlanExecutor } from '../execution/index.js';
import {
  AlertStore,
  AlertWebhook,
  DecisionLog,
  KpiStore,
  type PrometheusMetrics,
  QualityObserver,
  RequestLog,
  type RequestLogReport,
  RequestObservers,
  RequestTracer,
  SavingsStore,
} from '../observability/index.js';
import {
  buildRuntime,
  callForHealth,
  type HealthCall,
  RequestPipeline,
  type RoutingRuntime,
  vectorsOf,
} from '../pipeline/index.js';
import { type CompiledOptions, compileOptions, NO_SURFACE, type PolicySnapshot } from '../planning/index.js';
import { AxiosTransport } from '../providers/axios-transport.js';
import type { LlmUpstreams } from '../providers/llm-upstreams.js';
import { ProviderUpstreams } from '../providers/provider-upstreams.js';
import { AnsweredDecisions, QualityScores } from '../quality/index.js';
import { type AnswerMemories, answerMemories } from './answer-memories.js';
import type { ReconfigureReport } from './reconfigure-report.js';
import type { ResponseItems } from './response-items.js';
import { type BreakerState, LiveSignals } from '../signals/index.js';
import { type AttemptRecord, type DeploymentLabels, TelemetryBus } from '../telemetry/index.js';

/** Within so long a configuration has been read, or it is refused. */
const READ_TIMEOUT_MS = 30_000;

/** The vectors of example prompts are made once, in one call of many. */
const EXAMPLES_DEADLINE_MS = 30_000;

/** From here on the trained score is for a strong model. */
const TRAINED_THRESHOLD = 0.5;
let trainedScorer: TrainedScorer | undefined;

const BUILT_IN_SCORING: Scoring = {
  scorer: {
    // Its weights are decoded when the first request comes, not at the boot.
    score: (features) => (trainedScorer ??= new TrainedScorer()).score(features),
  },
  defaultThreshold: TRAINED_THRESHOLD,
};

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
  readonly budgets = new BudgetLedger(this.bus);
  readonly alerts: AlertStore;
  readonly decisions = new DecisionLog(this.bus);
  readonly pipeline: RequestPipeline;
  readonly lane: BackgroundLane;
  /** See of requests what their records do not tell. */
  readonly observers = new RequestObservers((decisionId, error) => {
    this.onFault(decisionId, error);
  });
  readonly tracer = new RequestTracer(this.bus);
  /** The last answers, for those who say what they were worth. */
  readonly answered = new AnsweredDecisions(this.bus);
  readonly quality = new QualityScores(this.bus);
  readonly #qualityObserver = new QualityObserver(this.bus, this.answered, (decisionId, error) => {
    this.onFault(decisionId, error);
  });
  /** Told of faults of our own: the kind of error and the decision, nothing of the request. */
  onFault: (decisionId: string, error: unknown) => void = () => undefined;
  /** Told why the request log cannot be written. */
  onRequestLogProblem: (problem: string) => void = () => undefined;
  /** Told why alerts do not arrive. */
  onAlertWebhookProblem: (problem: string) => void = () => undefined;
  readonly #alertWebhook = new AlertWebhook({
    bus: this.bus,
    createTransport: () => {
      const { httpAdapter, timeouts } = this.configuration.execution;
      return new AxiosTransport({ adapter: httpAdapter, connectTimeoutMs: timeouts.connectMs });
    },
    onProblem: (problem) => {
      this.onAlertWebhookProblem(problem);
    },
  });
  readonly #requestLog = new RequestLog(this.bus, (problem) => {
    this.onRequestLogProblem(problem);
  });
  readonly #executor: PlanExecutor;
  readonly #classifier: RequestClassifier;
  /** What is done once for all requests is none of the first one's: not in its context, nor in its handler's count. */
  readonly #outside = new AsyncResource('LlmRouterEngine');
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
    scoring: Scoring = BUILT_IN_SCORING,
  ) {
    const compiled = this.compile(options);
    const { configuration, policy } = compiled;
    this.#runtime = this.show(buildRuntime(compiled, upstreams));
    this.tracer.follow(configuration, policy, upstreams.environment);
    this.observers.add(this.tracer);
    this.savings = new SavingsStore(this.bus, policy);
    this.alerts = new AlertStore(this.bus, policy, configuration.alerts);
    this.#alertWebhook.follow(configuration.alerts.webhook);
    this.kpis.onFault = (error) => {
      this.onFault('kpis', error);
    };
    this.kpis.traceIdOf = (decisionId) => this.tracer.traceIdOf(decisionId);
    this.kpis.follow(configuration.observability.kpis);
    this.kpis.tenantTotals.follow(tenantsOf(configuration));
    this.observers.add(this.decisions);
    this.decisions.follow(configuration.observability.decisions.keep);
    this.observers.add(this.#requestLog);
    this.#requestLog.follow(configuration.requestLog, provenanceOf(policy));
    this.#memories = answerMemories(configuration.reasoningMemory, undefined);
    this.observers.add(this.#qualityObserver);
    this.signals.settings = () => this.#runtime.policy.execution;
    this.#executor = createPlanExecutor(this.bus, this.signals, Math.random);
    const turns = () => this.#memories?.turns;
    const onFault: OnPlugInFault = (plugIn, kind, decisionId) => {
      this.bus.emit('plug-in-failed', { plugIn, kind, decisionId });
    };
    this.#classifier = new RequestClassifier({
      scoring: () => scoring,
      prepareVectors: (model, texts) => this.prepareVectors(model, texts),
      onFault,
    });
    this.pipeline = new RequestPipeline({
      runtime: () => this.#runtime,
      classifier: this.#classifier,
      checker: new AnswerChecker(onFault),
      signals: this.signals,
      executor: this.#executor,
      bus: this.bus,
      budgets: this.budgets,
      observers: this.observers,
      get turns() {
        return turns();
      },
      random: Math.random,
      onFault: (decisionId, error) => {
        this.onFault(decisionId, error);
      },
    });
    const { pipeline } = this;
    this.lane = new BackgroundLane({
      bus: this.bus,
      signals: this.signals,
      policy: () => this.#runtime.policy,
      options: () => this.#runtime.configuration.background,
      preview: (body, options) => pipeline.preview(body, options),
      run: (body, options) => pipeline.chat(body, options),
      refuse: (error, options) => pipeline.refuse(error, options),
    });
  }

  /** How the request log stands; undefined: none is written. */
  get requestLog(): RequestLogReport | undefined {
    return this.#requestLog.report();
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
   * The metrics for Prometheus. Who has a route for them asks at boot, and so does the boot where the application has given
   * its own registry. Nobody else loads the package.
   */
  loadMetrics(): Promise<PrometheusMetrics> {
    this.#metrics ??= import('../observability/prometheus-metrics.js').then(
      ({ PrometheusMetrics: Metrics }) =>
        new Metrics(
          this.bus,
          {
            kpis: this.kpis,
            savings: () => this.savings.report(),
            budgets: () => this.budgets.report(this.#runtime.policy.budgets),
            breakers: () => this.breakers(),
            tenants: () => tenantsOf(this.configuration),
            policyHash: () => this.#runtime.policy.hash,
          },
          this.configuration.observability.metrics,
        ),
    );
    const loaded = this.#metrics;
    // A registry that has a metric of its name is one fault: the next reload may name another.
    loaded.catch(() => {
      if (this.#metrics === loaded) this.#metrics = undefined;
    });
    return loaded;
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
    this.lane.close();
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
    this.lane.close();
    this.#executor.close();
    this.budgets.close();
    this.signals.close();
    // Told by the webhook below, within its time.
    this.alerts.shutDown();
    this.decisions.close();
    this.#qualityObserver.close();
    // One that could not be loaded has told whoever asked.
    (await this.#metrics?.catch(() => undefined))?.close();
    const runtimes = [this.#runtime, ...this.#retired];
    const closed = await Promise.allSettled(runtimes.map(async (runtime) => runtime.close()));
    await this.#alertWebhook.close();
    // What ended with the connections has its line too, however they ended.
    await this.#requestLog.close();
    const failed = closed.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /** Asks one deployment for one token. Undefined: it was not called. */
  callForHealth(call: HealthCall): Promise<AttemptRecord | undefined> {
    const parts = { executor: this.#executor, signals: this.signals, bus: this.bus, random: Math.random };
    return this.#outside.runInAsyncScope(() => callForHealth(parts, this.#runtime, call));
  }

  /** A request of its own. */
  private *breakers(): Generator<DeploymentLabels & { readonly state: BreakerState }, void, undefined> {
    for (const model of this.#runtime.policy.models.values()) {
      for (const { id, provider } of model.deployments) {
        const state = this.signals.of(id).breaker;
        yield { deployment: id, model: model.name, provider, state };
      }
    }
  }

  private async prepareVectors(
    model: string,
    texts: readonly string[],
  ): Promise<readonly (readonly number[])[]> {
    const { response } = await this.#outside.runInAsyncScope(() =>
      this.pipeline.embed(
        { model, input: [...texts], encoding_format: 'float' },
        { workload: 'background', deadlineMs: EXAMPLES_DEADLINE_MS },
      ),
    );
    return vectorsOf(response.data);
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
    this.tracer.follow(configuration, policy, this.upstreams.environment);
    this.budgets.follow(policy.budgets);
    // First: who is told of what the swap clears is the one who is told from now on.
    this.#alertWebhook.follow(configuration.alerts.webhook);
    this.alerts.follow(policy, configuration.alerts);
    this.kpis.follow(configuration.observability.kpis);
    this.kpis.tenantTotals.follow(tenantsOf(configuration));
    this.decisions.follow(configuration.observability.decisions.keep);
    this.#requestLog.follow(configuration.requestLog, provenanceOf(policy));
    this.forgetTheGone();
    this.lane.follow();
    void this.followMetrics();
    for (const follower of this.#followers) follower();
    void this.retire(before);
  }

  /** A name that the application's registry has already is a fault of the reload that only shows here. */
  private async followMetrics(): Promise<void> {
    try {
      const { metrics } = this.configuration.observability;
      if (metrics.registry !== undefined || this.#metrics !== undefined) {
        (await this.loadMetrics()).follow(metrics);
      }
    } catch (error) {
      this.onFault('metrics', error);
    }
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
    const policies = [policy, ...older];
    this.#classifier.retain(
      new Set([NO_SURFACE, ...policies.flatMap(({ surfaces }) => [...surfaces.keys()])]),
      policies.map(({ classification }) => classification),
    );
    const deployments = deploymentsOf(policies);
    this.signals.retain(deployments);
    this.#executor.retain(deployments);
  }
}

/** The surfaces whose every request has its line in the request log. */
function provenanceOf({ surfaces }: PolicySnapshot): ReadonlySet<string> {
  return new Set([...surfaces.values()].flatMap(({ name, provenance }) => (provenance ? [name] : [])));
}

/** Those that keys and budgets name. */
function tenantsOf({ http, budgets }: LlmRouterConfiguration): ReadonlySet<string> {
  const ofKeys = (http.apiKeys ?? []).flatMap(({ tenant }) => (tenant === undefined ? [] : [tenant]));
  return new Set([...ofKeys, ...Object.keys(budgets.tenants ?? {})]);
}

function deploymentsOf(policies: readonly PolicySnapshot[]): ReadonlySet<string> {
  const deployments = policies
    .flatMap(({ models }) => [...models.values()])
    .flatMap((model) => model.deployments);
  return new Set(deployments.map(({ id }) => id));
}
