import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import { type CallSample, p95, type RecentCalls, summariseRecent } from '../signals/index.js';
import type { RequestRecord, TelemetryBus } from '../telemetry/index.js';

/** Requests kept of one surface: constant memory, and enough for a p95. */
const CAPACITY = 256;
/** Surfaces are asked less often than deployments are called. */
const WINDOW_MS = 300_000;

interface Sample extends CallSample {
  readonly atMs: number;
}

/** What the last requests of one surface were like. */
export interface RecentSurface extends RecentCalls {
  /** Of what the SLO is about: first tokens of streams and whole answers, in milliseconds. */
  readonly p95SloLatencyMs: number | undefined;
  /** Since the boot, in epoch milliseconds. */
  readonly lastSuccessAtMs: number | undefined;
  readonly lastErrorAtMs: number | undefined;
  readonly lastErrorCode: LlmRouterErrorCode | undefined;
}

interface State {
  readonly ring: Sample[];
  next: number;
  lastSuccessAtMs: number | undefined;
  lastErrorAtMs: number | undefined;
  lastErrorCode: LlmRouterErrorCode | undefined;
}

/** The last requests of every surface, over all their attempts. Memory is bounded by the number of surfaces. */
export class RecentRequests {
  readonly #states = new Map<string, State>();

  /** @param isKnown - Whether a surface is configured: no other is kept. */
  constructor(
    bus: TelemetryBus,
    private readonly isKnown: (surface: string) => boolean,
    private readonly now: () => number = Date.now,
  ) {
    bus.on('request-ended', (record) => {
      if (isKnown(record.surface)) this.learn(record);
    });
  }

  /** Drops what is configured no more. */
  forgetUnknown(): void {
    for (const surface of this.#states.keys()) if (!this.isKnown(surface)) this.#states.delete(surface);
  }

  of(surface: string): RecentSurface {
    const state = this.#states.get(surface);
    const nowMs = this.now();
    const samples = state?.ring.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS) ?? [];
    return {
      ...summariseRecent(samples),
      p95SloLatencyMs: p95(samples.map((sample) => sample.timeToFirstTokenMs ?? sample.latencyMs)),
      lastSuccessAtMs: state?.lastSuccessAtMs,
      lastErrorAtMs: state?.lastErrorAtMs,
      lastErrorCode: state?.lastErrorCode,
    };
  }

  private learn(record: RequestRecord): void {
    let state = this.#states.get(record.surface);
    if (state === undefined) {
      state = {
        ring: [],
        next: 0,
        lastSuccessAtMs: undefined,
        lastErrorAtMs: undefined,
        lastErrorCode: undefined,
      };
      this.#states.set(record.surface, state);
    }
    const atMs = this.now();
    const isSuccess = record.outcome === 'succeeded';
    const isError = record.outcome === 'failed' || record.outcome === 'timed_out';
    if (isSuccess) state.lastSuccessAtMs = atMs;
    else if (isError || record.outcome === 'shed') {
      state.lastErrorAtMs = atMs;
      state.lastErrorCode = record.errorCode;
    }
    // Refused, or left by its caller: no sign of how the surface is served.
    if (!isSuccess && !isError) return;
    state.ring[state.next] = {
      atMs,
      isError,
      timeToFirstTokenMs: record.streamed ? record.timeToFirstTokenMs : undefined,
      latencyMs: isSuccess && !record.streamed ? record.durationMs : undefined,
    };
    state.next = (state.next + 1) % CAPACITY;
  }
}
