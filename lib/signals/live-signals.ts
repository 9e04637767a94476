import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { Alert, AlertKind, AttemptRecord, DeploymentLabels, TelemetryBus } from '../telemetry/index.js';
import {
  type BreakerOutcome,
  type BreakerSettings,
  type BreakerState,
  CircuitBreaker,
  DEFAULT_BREAKER,
} from './circuit-breaker.js';
import { ConcurrencyLimit, type ConcurrencySettings, DEFAULT_CONCURRENCY } from './concurrency-limit.js';
import { type Answered, DeploymentWindow, type WindowSummary } from './deployment-window.js';
import { type MinuteLimits, MinuteUsage } from './minute-usage.js';
import { OutputLengths } from './output-lengths.js';
import { PaceWatch, type Waiting } from './pace-watch.js';
import { type RecentCalls, summariseRecent } from './recent-calls.js';

/** A rate limit without a Retry-After is waited out so long at first; doubled with each one that follows. */
const DEFAULT_REST_MS = 1_000;
const MAX_DEFAULT_REST_MS = 16_000;
/** No provider's word takes a deployment out for longer: quotas that reset tomorrow are probed again. */
const MAX_REST_MS = 60_000;
/** A longer wait is no wait: it is taken for none. */
const ABSURD_REST_MS = 86_400_000;
/** A refused key, a model that is not there: nothing that passes by itself within seconds. */
const REFUSED_HOLD_MS = 30_000;
/** A summary serves so long, so that a burst of requests does not sort the same samples again. */
const SUMMARY_AGE_MS = 100;

/** From here on one success more changes little. */
const WELL_KNOWN_SAMPLES = 16;

/** The caller's fault, or told by other means: no sign of the deployment's health. */
const NOT_A_FAULT: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'invalid_request',
  'context_length',
  'content_filter',
  'request_too_large',
  'rate_limited',
]);
/** With these the next call fails as surely as the last. */
const REFUSED: ReadonlySet<ProviderErrorKind | undefined> = new Set<ProviderErrorKind | undefined>([
  'authentication',
  'billing',
  'permission',
  'not_found',
]);
/** Of the account, and so of all its deployments. */
const OF_THE_ACCOUNT: ReadonlySet<ProviderErrorKind | undefined> = new Set<ProviderErrorKind | undefined>([
  'authentication',
  'billing',
]);

/** What is known live of one deployment. */
export interface LiveDeployment extends WindowSummary {
  readonly inFlight: number;
  /** Requests that wait in the router for room there. */
  readonly queued: number;
  /** Calls it takes at once, as far as that was found out; undefined: no sign of a limit. */
  readonly limit: number | undefined;
  readonly restingUntilMs: number;
  /** Until when the provider itself asked to be left alone; later than it rests where it asked for long. 0: it did not say. */
  readonly restToldUntilMs: number;
  /** It rests because nothing is left of a rate limit, told by the provider's headers or configured; not after a 429. */
  readonly isExhausted: boolean;
  readonly breaker: BreakerState;
  /** Share of its traffic that the breaker lets through. */
  readonly breakerShare: number;
  /** End of the breaker's pause, in epoch milliseconds; 0: none. */
  readonly breakerUntilMs: number;
  /** It has stopped answering at its usual pace. */
  readonly isSlow: boolean;
  /** An alert on its error or timeout rate stands, or one on its provider's. */
  readonly inAlert: boolean;
  /** A critical one does. */
  readonly inCriticalAlert: boolean;
  readonly lastSuccessAtMs: number | undefined;
  readonly lastErrorAtMs: number | undefined;
  readonly lastErrorKind: ProviderErrorKind | undefined;
  /** Faults since the last success. */
  readonly consecutiveFailures: number;
}

/** What of the configuration the signals go by; asked each time, so that a reload is a swap. */
export interface SignalsSettings {
  readonly breaker: BreakerSettings;
  readonly concurrency: ConcurrencySettings;
  /** By deployment; absent: none has any. */
  readonly minuteLimits?: ReadonlyMap<string, MinuteLimits>;
}

const DEFAULT_SETTINGS: SignalsSettings = { breaker: DEFAULT_BREAKER, concurrency: DEFAULT_CONCURRENCY };

/** What the calls of now say of a deployment. */
interface Summary {
  readonly window: WindowSummary;
  readonly isSlow: boolean;
}

interface State {
  /** Model and provider are empty until the first call: an alert names the deployment alone. */
  labels: DeploymentLabels;
  readonly window: DeploymentWindow;
  readonly breaker: CircuitBreaker;
  readonly concurrency: ConcurrencyLimit;
  readonly pace: PaceWatch;
  /** Calls that have shown nothing yet, by attempt. */
  readonly waiting: Map<string, Waiting & { readonly inFlight: number }>;
  /** Starts of calls that a second copy was sent beside, by attempt, while they have shown nothing. */
  readonly overdue: Map<string, number>;
  inFlight: number;
  queued: number;
  restingUntilMs: number;
  restToldUntilMs: number;
  /** Nothing is left of the provider's own limits until then; 0: there is, or it is not known. */
  exhaustedUntilMs: number;
  readonly minute: MinuteUsage;
  /** Rate limits in a row without a word of how long. */
  untoldRests: number;
  lastSuccessAtMs: number | undefined;
  lastErrorAtMs: number | undefined;
  lastErrorKind: ProviderErrorKind | undefined;
  consecutiveFailures: number;
  shownBreaker: BreakerState;
  summary: Summary | undefined;
  summaryAtMs: number;
  /** What {@link LiveSignals.of} gave last; undefined: something has changed since. */
  view: LiveDeployment | undefined;
  /** What the view was made from. */
  viewedSummary: Summary | undefined;
  viewedAtMs: number;
  /** Time alone changes it then. */
  viewUntilMs: number;
}

/** What {@link LiveSignals.ofAll} gave last for a list. */
interface Group {
  /** Which deployments are known, as of then. */
  readonly generation: number;
  readonly states: readonly (State | undefined)[];
  readonly ids: readonly string[];
  views: readonly LiveDeployment[];
  change: number;
  viewedAtMs: number;
  viewUntilMs: number;
}
/** Of a deployment or a provider, these rank it down, and out while they are critical. */
const STEERING: ReadonlySet<AlertKind> = new Set<AlertKind>(['error_rate', 'timeout_rate']);
const NO_ALERT = { inAlert: false, inCriticalAlert: false } as const;

const IDLE: LiveDeployment = {
  inFlight: 0,
  queued: 0,
  limit: undefined,
  samples: 0,
  errorRate: 0,
  timeToFirstTokenMs: undefined,
  firstTokenSamples: 0,
  latencyMs: undefined,
  latencySamples: 0,
  p95TimeToFirstTokenMs: undefined,
  usualFirstTokenSamples: 0,
  p95LatencyMs: undefined,
  usualLatencySamples: 0,
  recentP95TimeToFirstTokenMs: [],
  recentP95LatencyMs: [],
  firstTokenByInput: undefined,
  durationByOutput: undefined,
  restingUntilMs: 0,
  restToldUntilMs: 0,
  isExhausted: false,
  breaker: 'closed',
  breakerShare: 1,
  breakerUntilMs: 0,
  isSlow: false,
  inAlert: false,
  inCriticalAlert: false,
  lastSuccessAtMs: undefined,
  lastErrorAtMs: undefined,
  lastErrorKind: undefined,
  consecutiveFailures: 0,
};

/**
 * Live state of every deployment, learnt from the bus alone. In-flight counts are the starts less the ends; both are
 * emitted exactly once, so they can neither drift nor go negative. Memory is bounded by the number of deployments.
 */
export class LiveSignals {
  private readonly outputLengths = new OutputLengths();
  readonly #states = new Map<string, State>();
  readonly #groups = new WeakMap<readonly { readonly id: string }[], Group>();
  /** Counts the changes of what is known of any, and of which there are. */
  #change = 0;
  #generation = 0;
  /** Those that steer, by id. */
  readonly #alerts = new Map<string, Alert>();
  readonly #subscriptions: (() => void)[];
  /** Of the running configuration. */
  settings: () => SignalsSettings = () => DEFAULT_SETTINGS;

  constructor(
    private readonly bus: TelemetryBus,
    private readonly now: () => number = Date.now,
  ) {
    this.#subscriptions = [
      bus.on('attempt-started', ({ decisionId, attempt, startedAtMs, streamed, inputTokens, ...labels }) => {
        const state = this.state(labels);
        const call = `${decisionId}/${attempt}`;
        state.inFlight += 1;
        state.minute.add(1, inputTokens ?? 0, this.now());
        state.waiting.set(call, { startedAtMs, streamed, inFlight: state.inFlight });
        state.concurrency.started(state.inFlight);
        // Nobody may have been there to send a second copy to: what waits too long tells it.
        if (this.summaryOf(state, this.now()).isSlow) state.concurrency.congested(this.now());
        state.breaker.started(call, this.now());
        this.showBreaker(state);
      }),
      bus.on('attempt-first-token', ({ decisionId, attempt, timeToFirstTokenMs, ...labels }) => {
        const state = this.state(labels);
        const call = `${decisionId}/${attempt}`;
        const nowMs = this.now();
        const waiting = state.waiting.get(call);
        state.waiting.delete(call);
        const overdueSinceMs = state.overdue.get(call);
        state.overdue.delete(call);
        const sentAtMs = waiting?.startedAtMs ?? overdueSinceMs;
        if (sentAtMs !== undefined) state.pace.answered(sentAtMs);
        state.concurrency.firstToken(timeToFirstTokenMs, nowMs, waiting?.inFlight);
        state.breaker.answered(call, nowMs);
        this.showBreaker(state);
      }),
      bus.on('attempt-overdue', ({ decisionId, attempt, startedAtMs, ...labels }) => {
        const state = this.state(labels);
        // From here on it is evidence by itself, and must not count twice.
        if (!state.waiting.delete(`${decisionId}/${attempt}`)) return;
        state.overdue.set(`${decisionId}/${attempt}`, startedAtMs);
        state.pace.givenUp(startedAtMs, this.now());
        state.summary = undefined;
      }),
      bus.on('attempt-ended', (record) => {
        this.learn(record);
      }),
      bus.on('rate-limits-read', ({ exhaustedUntilMs, ...labels }) => {
        this.state(labels).exhaustedUntilMs = Math.min(exhaustedUntilMs, this.now() + MAX_REST_MS);
      }),
      bus.on('queue-changed', ({ queued, ...labels }) => {
        this.state(labels).queued = queued;
      }),
      bus.on('alert-raised', (alert) => {
        this.steer(alert);
      }),
      bus.on('alert-escalated', (alert) => {
        this.steer(alert);
      }),
      bus.on('alert-cleared', (alert) => {
        this.#alerts.delete(alert.id);
        this.forgetViews();
      }),
    ];
  }

  /** For planning and health: never throws, an unknown deployment is an idle one. */
  of(deployment: string): LiveDeployment {
    const state = this.#states.get(deployment);
    if (state === undefined) return this.idleOf(deployment);
    return this.read(state, this.now());
  }

  /**
   * The same of all of a list that is asked for again and again, in its order: as long as nothing has changed it is the same
   * array.
   */
  ofAll(deployments: readonly { readonly id: string }[]): readonly LiveDeployment[] {
    const nowMs = this.now();
    let group = this.#groups.get(deployments);
    if (group?.generation !== this.#generation) {
      group = {
        generation: this.#generation,
        states: deployments.map(({ id }) => this.#states.get(id)),
        ids: deployments.map(({ id }) => id),
        views: deployments.map(() => IDLE),
        change: -1,
        viewedAtMs: 0,
        viewUntilMs: 0,
      };
      this.#groups.set(deployments, group);
    }
    if (group.change !== this.#change || nowMs >= group.viewUntilMs || nowMs < group.viewedAtMs) {
      this.readGroup(group, nowMs);
    }
    return group.views;
  }

  private readGroup(group: Group, nowMs: number): void {
    group.change = this.#change;
    group.viewedAtMs = nowMs;
    group.viewUntilMs = Number.POSITIVE_INFINITY;
    let views: LiveDeployment[] | undefined;
    for (const [index, state] of group.states.entries()) {
      const view = state === undefined ? this.idleOf(group.ids[index] ?? '') : this.read(state, nowMs);
      if (state !== undefined) group.viewUntilMs = Math.min(group.viewUntilMs, state.viewUntilMs);
      if (view !== group.views[index]) (views ??= [...group.views])[index] = view;
    }
    if (views !== undefined) group.views = views;
  }

  private read(state: State, nowMs: number): LiveDeployment {
    if (state.view === undefined || nowMs >= state.viewUntilMs || nowMs < state.viewedAtMs) {
      state.view = this.viewOf(state, nowMs);
      state.viewedAtMs = nowMs;
    }
    return state.view;
  }

  /** What holds until the next event, or until time alone changes it. */
  private viewOf(state: State, nowMs: number): LiveDeployment {
    const breaker = state.breaker.read(nowMs);
    const { restingUntilMs, restToldUntilMs } = state;
    const exhaustedUntilMs = this.exhaustedUntilMs(state, nowMs);
    const isExhausted = exhaustedUntilMs > Math.max(restingUntilMs, nowMs);
    const summary = this.summaryOf(state, nowMs);
    const agedAtMs = state.summaryAtMs + SUMMARY_AGE_MS + 1;
    state.viewUntilMs = breaker.openUntilMs > nowMs ? Math.min(agedAtMs, breaker.openUntilMs) : agedAtMs;
    const shownRestMs = isExhausted ? exhaustedUntilMs : restingUntilMs;
    const { limit } = state.concurrency;
    const { view } = state;
    const isSame =
      view !== undefined &&
      state.viewedSummary === summary &&
      view.limit === limit &&
      view.restingUntilMs === shownRestMs &&
      view.isExhausted === isExhausted &&
      view.breaker === breaker.state &&
      view.breakerShare === breaker.share &&
      view.breakerUntilMs === breaker.openUntilMs;
    // Nothing has happened since, and time has changed nothing: whoever has looked at it need not look again.
    if (isSame) return view;
    state.viewedSummary = summary;
    const { window, isSlow } = summary;
    // Written out: a spread of so many is slow, and this is done once a call.
    return {
      samples: window.samples,
      errorRate: window.errorRate,
      timeToFirstTokenMs: window.timeToFirstTokenMs,
      firstTokenSamples: window.firstTokenSamples,
      latencyMs: window.latencyMs,
      latencySamples: window.latencySamples,
      p95TimeToFirstTokenMs: window.p95TimeToFirstTokenMs,
      usualFirstTokenSamples: window.usualFirstTokenSamples,
      p95LatencyMs: window.p95LatencyMs,
      usualLatencySamples: window.usualLatencySamples,
      recentP95TimeToFirstTokenMs: window.recentP95TimeToFirstTokenMs,
      recentP95LatencyMs: window.recentP95LatencyMs,
      firstTokenByInput: window.firstTokenByInput,
      durationByOutput: window.durationByOutput,
      isSlow,
      inFlight: state.inFlight,
      queued: state.queued,
      limit,
      restingUntilMs: shownRestMs,
      restToldUntilMs: isExhausted ? exhaustedUntilMs : restToldUntilMs,
      isExhausted,
      breaker: breaker.state,
      breakerShare: breaker.share,
      breakerUntilMs: breaker.openUntilMs,
      ...this.alertsOn(state.labels),
      lastSuccessAtMs: state.lastSuccessAtMs,
      lastErrorAtMs: state.lastErrorAtMs,
      lastErrorKind: state.lastErrorKind,
      consecutiveFailures: state.consecutiveFailures,
    };
  }

  /** How long answers to a class usually are, in tokens; undefined: too few were seen. */
  usualOutputTokens(requestClass: string): number | undefined {
    return this.outputLengths.usual(requestClass);
  }

  /**
   * What the last calls of some deployments together were like: at most 64 of each, of the last 30 seconds. For people;
   * planning has {@link of}.
   */
  recent(deployments: Iterable<string>): RecentCalls {
    const nowMs = this.now();
    return summariseRecent(
      [...deployments].flatMap((deployment) => this.#states.get(deployment)?.window.recent(nowMs) ?? []),
    );
  }

  /** Forgets how the deployments have fared; calls under way stay counted, and alerts stand. */
  forget(): void {
    this.#generation += 1;
    for (const [deployment, { labels, inFlight, queued, waiting }] of this.#states) {
      this.#states.set(deployment, { ...this.unknownState(labels), inFlight, queued, waiting });
    }
  }

  /** Drops what is known of all other deployments, as far as no call of theirs is under way. */
  retain(deployments: ReadonlySet<string>): void {
    this.#generation += 1;
    for (const [deployment, { inFlight }] of this.#states) {
      if (inFlight === 0 && !deployments.has(deployment)) this.#states.delete(deployment);
    }
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  private unknownState(labels: DeploymentLabels): State {
    return {
      labels,
      window: new DeploymentWindow(),
      breaker: new CircuitBreaker(() => this.settings().breaker),
      concurrency: new ConcurrencyLimit(() => this.settings().concurrency),
      pace: new PaceWatch(),
      waiting: new Map(),
      overdue: new Map(),
      inFlight: 0,
      queued: 0,
      restingUntilMs: 0,
      restToldUntilMs: 0,
      exhaustedUntilMs: 0,
      minute: new MinuteUsage(),
      untoldRests: 0,
      lastSuccessAtMs: undefined,
      lastErrorAtMs: undefined,
      lastErrorKind: undefined,
      consecutiveFailures: 0,
      shownBreaker: 'closed',
      summary: undefined,
      summaryAtMs: 0,
      view: undefined,
      viewedSummary: undefined,
      viewedAtMs: 0,
      viewUntilMs: 0,
    };
  }

  private state({ deployment, model, provider }: DeploymentLabels): State {
    let state = this.#states.get(deployment);
    if (state === undefined) {
      state = this.unknownState({ deployment, model, provider });
      this.#states.set(deployment, state);
      this.#generation += 1;
    }
    if (state.labels.provider === '') state.labels = { deployment, model, provider };
    // Whoever asks for it is about to change it.
    this.changed(state);
    return state;
  }

  private changed(state: State): void {
    state.view = undefined;
    this.#change += 1;
  }

  private summaryOf(state: State, nowMs: number): Summary {
    const { summary } = state;
    if (summary !== undefined && nowMs - state.summaryAtMs <= SUMMARY_AGE_MS) return summary;
    const waits: number[] = [];
    for (const { streamed, startedAtMs } of state.waiting.values()) {
      if (streamed) waits.push(nowMs - startedAtMs);
    }
    const window = state.window.summarise(nowMs, waits);
    const isSlow = state.pace.isSlow(state.waiting.values(), window, nowMs);
    state.summaryAtMs = nowMs;
    // The same object tells that all is as it was.
    if (summary?.window === window && summary.isSlow === isSlow) return summary;
    state.summary = { window, isSlow };
    return state.summary;
  }

  private exhaustedUntilMs({ exhaustedUntilMs, minute, labels }: State, nowMs: number): number {
    const limits = this.settings().minuteLimits?.get(labels.deployment);
    if (limits === undefined) return exhaustedUntilMs;
    // A clock that was set back has calls in its future.
    return Math.max(exhaustedUntilMs, Math.min(minute.freeAtMs(limits, nowMs), nowMs + MAX_REST_MS));
  }

  /** A surface's alert says nothing of any one deployment; an open breaker steers by itself. */
  private steer(alert: Alert): void {
    if (!STEERING.has(alert.kind) || alert.subject.surface !== undefined) return;
    this.#alerts.set(alert.id, alert);
    this.forgetViews();
  }

  private forgetViews(): void {
    this.#change += 1;
    for (const state of this.#states.values()) state.view = undefined;
  }

  private alertsOn({
    deployment,
    provider,
  }: Pick<DeploymentLabels, 'deployment' | 'provider'>): Pick<LiveDeployment, 'inAlert' | 'inCriticalAlert'> {
    if (this.#alerts.size === 0) return NO_ALERT;
    const meant = [...this.#alerts.values()].filter(
      ({ subject }) => subject.deployment === deployment || subject.provider === provider,
    );
    return {
      inAlert: meant.length > 0,
      inCriticalAlert: meant.some(({ severity }) => severity === 'critical'),
    };
  }

  /** One that was never called: its id begins with its provider's name. */
  private idleOf(deployment: string): LiveDeployment {
    if (this.#alerts.size === 0) return IDLE;
    const [provider = ''] = deployment.split('/');
    return { ...IDLE, ...this.alertsOn({ deployment, provider }) };
  }

  /**
   * A copy that lost has waited longer than most: without it only the quick ones of a deployment that is often joined by
   * another would be seen. What lost sooner says nothing.
   */
  private hasWaitedLong(state: State, record: AttemptRecord, nowMs: number): boolean {
    if (record.outcome !== 'hedge_lost' || !record.streamed) return false;
    const usualMs = this.summaryOf(state, nowMs).window.firstTokenByInput?.meanY;
    return usualMs !== undefined && record.durationMs > usualMs;
  }

  private learn(record: AttemptRecord): void {
    const state = this.state(record);
    const nowMs = this.now();
    const call = `${record.decisionId}/${record.attempt}`;
    const wasWaiting = state.waiting.delete(call);
    const wasOverdue = state.overdue.delete(call);
    const hadAnswered = !wasWaiting && !wasOverdue;
    state.inFlight -= 1;
    state.concurrency.ended(state.inFlight);
    // The prompt was counted when it was sent.
    state.minute.add(0, record.usage.completionTokens, nowMs);
    // A success more changes little: the summary may age. Anything else is news.
    const isNews =
      record.outcome !== 'succeeded' || (state.summary?.window.samples ?? 0) < WELL_KNOWN_SAMPLES;
    if (isNews) state.summary = undefined;

    this.rest(state, record, nowMs);
    if (record.outcome === 'succeeded') {
      state.lastSuccessAtMs = nowMs;
      state.untoldRests = 0;
      if (!hadAnswered) state.pace.answered(record.startedAtMs);
    } else if (record.errorKind !== undefined) {
      state.lastErrorAtMs = nowMs;
      state.lastErrorKind = record.errorKind;
    }
    const isError =
      (record.outcome === 'failed' || record.outcome === 'timed_out') &&
      record.cutShort !== true &&
      (record.errorKind === undefined || !NOT_A_FAULT.has(record.errorKind));
    // Given up on by us: a provider that tells of its own timeout (408) may have done so at once.
    const isTimedOut = isError && record.outcome === 'timed_out' && record.status === undefined;
    const isGivenUp = !hadAnswered && (isTimedOut || record.overtaken === true);
    if (isGivenUp && wasWaiting) state.pace.givenUp(record.startedAtMs, nowMs);
    if (record.errorKind === 'overloaded') state.concurrency.overloaded(nowMs);
    if (record.outcome === 'succeeded' && !record.streamed) {
      state.concurrency.answeredWhole(record.durationMs, nowMs);
    }
    const outcome: BreakerOutcome = isError
      ? 'fault'
      : record.outcome === 'succeeded'
        ? 'success'
        : record.overtaken
          ? 'slow'
          : 'none';
    state.breaker.ended(call, outcome, record, nowMs);
    if (isError) this.hold(state, record, nowMs);
    if (isGivenUp && this.summaryOf(state, nowMs).isSlow) this.slowDown(state, record, nowMs);
    this.showBreaker(state);
    if (record.overtaken === true || (!hadAnswered && this.hasWaitedLong(state, record, nowMs))) {
      const waitedMs = record.durationMs;
      state.window.add({
        atMs: nowMs,
        isError: false,
        isCensored: true,
        timeToFirstTokenMs: record.streamed ? waitedMs : undefined,
        latencyMs: record.streamed ? undefined : waitedMs,
      });
      state.summary = undefined;
    }
    // Whoever was told of the breaker may have looked meanwhile.
    this.changed(state);
    if (record.outcome !== 'succeeded' && !isError) return;
    state.consecutiveFailures = isError ? state.consecutiveFailures + 1 : 0;
    state.window.add({
      atMs: nowMs,
      isError,
      // An attempt given up on waited at least so long: it teaches, where an error's time does not.
      timeToFirstTokenMs:
        record.timeToFirstTokenMs ?? (record.streamed && isGivenUp ? record.durationMs : undefined),
      latencyMs:
        !record.streamed && (record.outcome === 'succeeded' || isGivenUp) ? record.durationMs : undefined,
      answered: answeredOf(record),
    });
    // It was looked at on the way here, without this sample.
    if (isNews) state.summary = undefined;
    this.changed(state);
    if (record.outcome === 'succeeded') {
      this.outputLengths.add(record.requestClass, record.usage.completionTokens);
    }
  }

  /** It has stopped answering at its pace: because it has too much to do, or because something is wrong with it. */
  private slowDown(state: State, { startedAtMs }: AttemptRecord, nowMs: number): void {
    const { concurrency, pace, breaker } = state;
    // What was sent under the new limit is slow for another reason.
    const isLoad = concurrency.congested(nowMs) || startedAtMs < concurrency.decreasedAtMs;
    // Its pause, its probe and its ramp are the way back for one that is slow as well.
    if (!isLoad) breaker.trip(nowMs);
    pace.forgetGivenUp();
    state.summary = undefined;
  }

  /** A provider that asks for a pause gets it, whatever it calls the reason. */
  private rest(state: State, record: AttemptRecord, nowMs: number): void {
    const isLimited = record.errorKind === 'rate_limited';
    const isAsked = record.errorKind === 'overloaded' || record.errorKind === 'server_error';
    // Another key has headroom: the limit is one key's.
    if (record.otherKeyReady || (!isLimited && !isAsked)) return;
    const saidMs = record.retryAfterMs ?? 0;
    const toldMs = saidMs > ABSURD_REST_MS ? 0 : saidMs;
    // A wait of nothing, or one that was over when it came, says nothing.
    if (toldMs <= 0 && !isLimited) return;
    const guessMs = Math.min(DEFAULT_REST_MS * 2 ** Math.min(state.untoldRests, 16), MAX_DEFAULT_REST_MS);
    if (toldMs <= 0) state.untoldRests += 1;
    const untilMs = nowMs + Math.min(toldMs > 0 ? toldMs : guessMs, MAX_REST_MS);
    // The longest wait wins: a second, shorter one does not call a deployment back early.
    if (untilMs <= state.restingUntilMs) return;
    state.restingUntilMs = untilMs;
    state.restToldUntilMs = toldMs > 0 ? nowMs + toldMs : 0;
  }

  private hold(state: State, { errorKind, retryAfterMs, otherKeyReady }: AttemptRecord, nowMs: number): void {
    if (!REFUSED.has(errorKind) || otherKeyReady) return;
    const untilMs = nowMs + Math.min(retryAfterMs ?? REFUSED_HOLD_MS, MAX_REST_MS);
    const { provider } = state.labels;
    for (const other of this.#states.values()) {
      const isMeant =
        other === state || (OF_THE_ACCOUNT.has(errorKind) && other.labels.provider === provider);
      if (!isMeant) continue;
      other.breaker.hold(untilMs, nowMs);
      this.changed(other);
      if (other !== state) this.showBreaker(other);
    }
  }

  private showBreaker(state: State): void {
    const { state: breaker, openUntilMs } = state.breaker.read(this.now());
    if (breaker === state.shownBreaker) return;
    const from = state.shownBreaker;
    state.shownBreaker = breaker;
    this.bus.emit('breaker-changed', { ...state.labels, from, to: breaker, openUntilMs });
  }
}

function answeredOf({ outcome, usage, durationMs }: AttemptRecord): Answered | undefined {
  if (outcome !== 'succeeded') return undefined;
  return { inputTokens: usage.promptTokens, outputTokens: usage.completionTokens, durationMs };
}
