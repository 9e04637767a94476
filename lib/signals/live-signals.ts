import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { AttemptRecord, TelemetryBus } from '../telemetry/index.js';
import { DeploymentWindow } from './deployment-window.js';
import { type RecentCalls, summariseRecent } from './recent-calls.js';

/** A rate limit without a Retry-After is waited out so long. */
const DEFAULT_REST_MS = 2_000;
/** No provider's word takes a deployment out for longer: quotas that reset tomorrow are probed again. */
const MAX_REST_MS = 60_000;
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

/** What is known live of one deployment. */
export interface LiveDeployment {
  readonly inFlight: number;
  readonly samples: number;
  readonly errorRate: number;
  readonly timeToFirstTokenMs: number | undefined;
  readonly latencyMs: number | undefined;
  readonly restingUntilMs: number;
  /** An alert on its error rate stands. */
  readonly inAlert: boolean;
  readonly lastSuccessAtMs: number | undefined;
  readonly lastErrorAtMs: number | undefined;
  readonly lastErrorKind: ProviderErrorKind | undefined;
  /** Faults since the last success. */
  readonly consecutiveFailures: number;
}

interface State {
  readonly window: DeploymentWindow;
  /** Start of each stream that has shown no token yet, by attempt. */
  readonly waiting: Map<string, number>;
  inFlight: number;
  inAlert: boolean;
  restingUntilMs: number;
  lastSuccessAtMs: number | undefined;
  lastErrorAtMs: number | undefined;
  lastErrorKind: ProviderErrorKind | undefined;
  consecutiveFailures: number;
  summary: LiveDeployment | undefined;
  summaryAtMs: number;
}

const IDLE: LiveDeployment = {
  inFlight: 0,
  samples: 0,
  errorRate: 0,
  timeToFirstTokenMs: undefined,
  latencyMs: undefined,
  restingUntilMs: 0,
  inAlert: false,
  lastSuccessAtMs: undefined,
  lastErrorAtMs: undefined,
  lastErrorKind: undefined,
  consecutiveFailures: 0,
};

function unknownState(): State {
  return {
    window: new DeploymentWindow(),
    waiting: new Map(),
    inFlight: 0,
    inAlert: false,
    restingUntilMs: 0,
    lastSuccessAtMs: undefined,
    lastErrorAtMs: undefined,
    lastErrorKind: undefined,
    consecutiveFailures: 0,
    summary: undefined,
    summaryAtMs: 0,
  };
}

/**
 * Live state of every deployment, learnt from the bus alone. In-flight counts are the starts less the ends; both are
 * emitted exactly once, so they can neither drift nor go negative. Memory is bounded by the number of deployments.
 */
export class LiveSignals {
  readonly #states = new Map<string, State>();
  readonly #subscriptions: (() => void)[];

  constructor(
    bus: TelemetryBus,
    private readonly now: () => number = Date.now,
  ) {
    this.#subscriptions = [
      bus.on('attempt-started', ({ deployment, decisionId, attempt, startedAtMs, streamed }) => {
        const state = this.state(deployment);
        state.inFlight += 1;
        if (streamed) state.waiting.set(`${decisionId}/${attempt}`, startedAtMs);
        if (state.summary !== undefined) state.summary = { ...state.summary, inFlight: state.inFlight };
      }),
      bus.on('attempt-first-token', ({ deployment, decisionId, attempt }) => {
        this.state(deployment).waiting.delete(`${decisionId}/${attempt}`);
      }),
      bus.on('attempt-ended', (record) => {
        this.learn(record);
      }),
      bus.on('alert-raised', ({ subject }) => {
        this.setInAlert(subject.deployment, true);
      }),
      bus.on('alert-cleared', ({ subject }) => {
        this.setInAlert(subject.deployment, false);
      }),
    ];
  }

  /** For planning and health: never throws, an unknown deployment is an idle one. */
  of(deployment: string): LiveDeployment {
    const state = this.#states.get(deployment);
    if (state === undefined) return IDLE;
    const nowMs = this.now();
    if (state.summary === undefined || nowMs - state.summaryAtMs > SUMMARY_AGE_MS) {
      const waiting = [...state.waiting.values()].map((startedAtMs) => nowMs - startedAtMs);
      state.summary = {
        ...state.window.summarise(nowMs, waiting),
        inFlight: state.inFlight,
        restingUntilMs: state.restingUntilMs,
        inAlert: state.inAlert,
        lastSuccessAtMs: state.lastSuccessAtMs,
        lastErrorAtMs: state.lastErrorAtMs,
        lastErrorKind: state.lastErrorKind,
        consecutiveFailures: state.consecutiveFailures,
      };
      state.summaryAtMs = nowMs;
    }
    return state.summary;
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
    for (const [deployment, { inFlight, inAlert, waiting }] of this.#states) {
      this.#states.set(deployment, { ...unknownState(), inFlight, inAlert, waiting });
    }
  }

  /** Drops what is known of all other deployments, as far as no call of theirs is under way. */
  retain(deployments: ReadonlySet<string>): void {
    for (const [deployment, { inFlight }] of this.#states) {
      if (inFlight === 0 && !deployments.has(deployment)) this.#states.delete(deployment);
    }
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  private state(deployment: string): State {
    let state = this.#states.get(deployment);
    if (state === undefined) {
      state = unknownState();
      this.#states.set(deployment, state);
    }
    return state;
  }

  /** @param deployment - Undefined: the alert is a surface's, which says nothing of any one deployment. */
  private setInAlert(deployment: string | undefined, inAlert: boolean): void {
    if (deployment === undefined) return;
    const state = this.state(deployment);
    state.inAlert = inAlert;
    state.summary = undefined;
  }

  private learn(record: AttemptRecord): void {
    const state = this.state(record.deployment);
    const nowMs = this.now();
    state.inFlight -= 1;
    state.waiting.delete(`${record.decisionId}/${record.attempt}`);
    // A success more changes little: the summary may age. Anything else is news.
    const isNews = record.outcome !== 'succeeded' || (state.summary?.samples ?? 0) < WELL_KNOWN_SAMPLES;
    state.summary =
      isNews || state.summary === undefined ? undefined : { ...state.summary, inFlight: state.inFlight };

    if (record.errorKind === 'rate_limited') {
      const restMs = Math.min(record.retryAfterMs ?? DEFAULT_REST_MS, MAX_REST_MS);
      // The longest wait wins: a second, shorter one does not call a deployment back early.
      state.restingUntilMs = Math.max(state.restingUntilMs, nowMs + restMs);
    }
    if (record.outcome === 'succeeded') {
      state.lastSuccessAtMs = nowMs;
    } else if (record.errorKind !== undefined) {
      state.lastErrorAtMs = nowMs;
      state.lastErrorKind = record.errorKind;
    }
    const isError =
      (record.outcome === 'failed' || record.outcome === 'timed_out') &&
      (record.errorKind === undefined || !NOT_A_FAULT.has(record.errorKind));
    if (record.outcome !== 'succeeded' && !isError) return;
    state.consecutiveFailures = isError ? state.consecutiveFailures + 1 : 0;
    state.window.add({
      atMs: nowMs,
      isError,
      // An attempt given up on waited at least so long: it teaches, where an error's time does not.
      timeToFirstTokenMs:
        record.timeToFirstTokenMs ??
        (record.streamed && record.outcome === 'timed_out' ? record.durationMs : undefined),
      latencyMs:
        !record.streamed && (record.outcome === 'succeeded' || record.outcome === 'timed_out')
          ? record.durationMs
          : undefined,
    });
  }
}
