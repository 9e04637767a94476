import { AsyncLocalStorage } from 'node:async_hooks';
import type { BackgroundOptions } from '../config/index.js';
import { currentLlmContext, mergeLlmContext } from '../context/index.js';
import { BudgetExceededError } from '../errors/budget-exceeded-error.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { EnqueuedRequestLostError } from '../errors/enqueued-request-lost-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import { RequestTooLargeError } from '../errors/request-too-large-error.js';
import {
  type InternalCallOptions,
  RequestTries,
  type RoutedAnswer,
  type RouterCallOptions,
  runWithCallTally,
} from '../pipeline/index.js';
import {
  isPeak,
  peakEndsAt,
  type PolicyDeployment,
  type PolicySnapshot,
  type SignalsSnapshot,
} from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import type { BackgroundReport } from './background-report.js';
import { judgeLane } from './lane-share.js';

/** What happens many times a second is looked at together. */
const MIN_LOOK_INTERVAL_MS = 100;
/** What no event tells of (a rest that is over) is looked for so often, while somebody waits for it. */
const LOOK_MS = 1_000;
/** An answer is taken to last so long where none is known. */
const UNKNOWN_LATENCY_MS = 20_000;
/** A request of the lane may run so long, where nothing else is configured. */
const LONGEST_RUN_MS = 600_000;
/** Of answers in a row some take longer than usual. */
const ROUND_SLACK = 1.25;
/** Beside twice its usual time: for the way there. */
const SLACK_MS = 1_000;
const MIN_RETRY_AFTER_MS = 1_000;
/** Who is refused time and again is tried again after no longer than this, unless told to wait longer. */
const MAX_BACKOFF_MS = 8_000;
/** What one was told for longer, others are tried after. */
const MAX_PAUSE_MS = 60_000;
/** So long after a refusal more than the usual at once is no use: there was no room. */
const CROWDED_MS = 60_000;
const MAX_TIMER_MS = 2_147_000_000;

/** What the lane stands on. */
export interface LaneParts {
  readonly bus: TelemetryBus;
  readonly signals: SignalsSnapshot;
  readonly policy: () => PolicySnapshot;
  readonly options: () => BackgroundOptions;
  /** Who may serve the request, best first. @throws what would refuse it. */
  readonly preview: (body: unknown, options: InternalCallOptions) => readonly PolicyDeployment[];
  /** Tries it once. Where that fails it is recorded when its `tries` are concluded. */
  readonly run: (body: unknown, options: InternalCallOptions) => Promise<RoutedAnswer>;
  /** Records a request that is not run, and gives the error to throw. */
  readonly refuse: (error: unknown, options: InternalCallOptions) => LlmRouterError;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Entry {
  /** As JSON: what the caller does with its request meanwhile changes nothing here. */
  readonly text: string;
  readonly bytes: number;
  readonly options: InternalCallOptions;
  /** However often it is tried, it is one request. */
  readonly tries: RequestTries;
  readonly enqueuedAtMs: number;
  readonly deadlineAtMs: number;
  group: Group;
  /** It was refused for the time being. */
  notBeforeMs: number;
  /** How often. */
  refusals: number;
  readonly resolve: (answer: RoutedAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Entries that the same deployments may serve. */
interface Group {
  readonly key: string;
  /** As the latest of them has it. */
  deployments: readonly PolicyDeployment[];
  /** The nearest deadline first. */
  readonly waiting: Entry[];
  /** One of them found no room, and the others would find none either. */
  notBeforeMs: number;
  /** How often in a row that was so. */
  pauses: number;
  /** Answered since then: so many may come in their place. */
  freed: number;
}

/**
 * Holds background work until the peak is over, there is room to spare or its deadline is near, and runs it then. In
 * memory, and bounded: a restart loses what waits.
 *
 * It looks whenever a call ends, a queue changes or a time has come that it waits for.
 */
export class BackgroundLane {
  readonly #groups = new Map<string, Group>();
  /** Requests of the lane that run, by deployment that may serve them. */
  readonly #runningAt = new Map<string, number>();
  readonly #subscriptions: (() => void)[];
  /** Nothing of the request that happens to be under way when the lane is looked at. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #queued = 0;
  #queuedBytes = 0;
  #running = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #lookedAtMs = 0;

  constructor(private readonly parts: LaneParts) {
    const { bus } = parts;
    const look = (): void => {
      this.lookSoon();
    };
    this.#subscriptions = [bus.on('attempt-ended', look), bus.on('queue-changed', look)];
  }

  /**
   * Resolves with the answer, before the deadline.
   *
   * @throws what refuses the request, at once; {@link OverloadedError} where the queue is full;
   * {@link EnqueuedRequestLostError} when the application shuts down first.
   */
  async enqueue(request: object, options: RouterCallOptions): Promise<RoutedAnswer> {
    const said = mergeLlmContext(currentLlmContext(), options);
    const tries = new RequestTries();
    const lasting = { ...said, workload: 'background', cheapestFirst: true, tries } as const;
    const { signal } = options;
    const { promise: answer, resolve, reject } = withResolvers<RoutedAnswer>();
    let entry: Entry;
    try {
      entry = this.take(request, lasting, resolve, reject);
    } catch (error) {
      throw this.parts.refuse(error, lasting);
    }
    const leave = (): void => {
      if (this.remove(entry)) entry.reject(this.parts.refuse(new ClientClosedRequestError(), lasting));
    };
    signal?.addEventListener('abort', leave, { once: true });
    this.look();
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  report(): BackgroundReport {
    const isEmpty = this.#queued === 0;
    let oldest = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const { waiting } of this.#groups.values()) {
      for (const { enqueuedAtMs, deadlineAtMs } of waiting) {
        oldest = Math.min(oldest, enqueuedAtMs);
        next = Math.min(next, deadlineAtMs);
      }
    }
    return {
      queued: this.#queued,
      running: this.#running,
      queuedBytes: this.#queuedBytes,
      oldestAgeMs: isEmpty ? null : this.now() - oldest,
      nextDeadline: isEmpty ? null : new Date(next).toISOString(),
      waitsFor: isEmpty ? null : this.peakEndMs() === undefined ? 'capacity' : 'off_peak',
    };
  }

  /** The configuration is another. */
  follow(): void {
    this.look();
  }

  /** Takes nobody any more, and ends who waits. What runs is the pipeline's. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    for (const entry of [...this.#groups.values()].flatMap(({ waiting }) => [...waiting])) {
      this.remove(entry);
      entry.reject(this.parts.refuse(new EnqueuedRequestLostError(), entry.options));
    }
  }

  private now(): number {
    return (this.parts.now ?? Date.now)();
  }

  private take(
    request: object,
    options: InternalCallOptions & { readonly tries: RequestTries },
    resolve: Entry['resolve'],
    reject: Entry['reject'],
  ): Entry {
    const { maxSize, maxBytes, deadlineMs } = this.parts.options();
    if (options.signal?.aborted) throw new ClientClosedRequestError();
    if (this.#isClosed) throw new OverloadedError('The application is shutting down.', MIN_RETRY_AFTER_MS);
    const deployments = this.parts.preview(request, options);
    const text = textOf(request);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes)
      throw new RequestTooLargeError(`The background queue takes at most ${maxBytes} bytes.`);
    if (this.#queued >= maxSize || this.#queuedBytes + bytes > maxBytes) {
      throw new OverloadedError('The background queue is full.', this.retryAfterMs());
    }
    const nowMs = this.now();
    const entry: Entry = {
      text,
      bytes,
      options,
      tries: options.tries,
      enqueuedAtMs: nowMs,
      deadlineAtMs: nowMs + (options.deadlineMs ?? deadlineMs),
      group: this.groupOf(deployments),
      notBeforeMs: 0,
      refusals: 0,
      resolve,
      reject,
    };
    this.put(entry);
    return entry;
  }

  private groupOf(deployments: readonly PolicyDeployment[]): Group {
    const key = JSON.stringify(deployments.map(({ id }) => id).sort());
    const known = this.#groups.get(key);
    if (known === undefined) return { key, deployments, waiting: [], notBeforeMs: 0, pauses: 0, freed: 0 };
    known.deployments = deployments;
    return known;
  }

  private put(entry: Entry): void {
    const { key } = entry.group;
    entry.group = this.#groups.get(key) ?? entry.group;
    const { waiting } = entry.group;
    waiting.splice(placeOf(entry, waiting), 0, entry);
    this.#groups.set(key, entry.group);
    this.#queued += 1;
    this.#queuedBytes += entry.bytes;
  }

  private remove(entry: Entry): boolean {
    const { waiting, key } = entry.group;
    const index = waiting.indexOf(entry);
    if (index < 0) return false;
    waiting.splice(index, 1);
    if (waiting.length === 0) this.#groups.delete(key);
    this.#queued -= 1;
    this.#queuedBytes -= entry.bytes;
    if (this.#queued === 0) this.rest();
    return true;
  }

  /** Starts what may run, and sets the timer for when that may be another. */
  private look(): void {
    if (this.#isClosed || this.#queued === 0) return;
    const nowMs = this.now();
    this.#lookedAtMs = nowMs;
    this.rest();
    const peakEndMs = this.peakEndMs();
    let nextMs = peakEndMs ?? nowMs + LOOK_MS;
    const starting = new Map<string, number>();
    for (const group of [...this.#groups.values()]) {
      while (this.startOne(group, nowMs, peakEndMs !== undefined, starting));
      nextMs = Math.min(nextMs, this.nextLookMs(group, nowMs));
    }
    if (this.#queued > 0) this.lookAt(Math.max(nextMs, nowMs + MIN_LOOK_INTERVAL_MS));
  }

  /** When time alone may let one of the group run. */
  private nextLookMs(group: Group, nowMs: number): number {
    const { notBeforeMs, waiting } = group;
    const usualMs = this.usualMs(group);
    let nextMs = Math.max(this.pressedAtMs(group), notBeforeMs);
    if (notBeforeMs > nowMs) nextMs = Math.min(nextMs, notBeforeMs);
    for (const entry of waiting) {
      if (entry.notBeforeMs > nowMs) nextMs = Math.min(nextMs, Math.max(entry.notBeforeMs, notBeforeMs));
      // It does not wait for the others.
      for (const atMs of [latestStartMs(entry, usualMs), lastTryMs(entry, usualMs)]) {
        if (atMs > nowMs) nextMs = Math.min(nextMs, atMs);
      }
    }
    return nextMs;
  }

  private lookSoon(): void {
    if (this.#queued > 0) this.lookAt(Math.max(this.now(), this.#lookedAtMs + MIN_LOOK_INTERVAL_MS));
  }

  private lookAt(atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.rest();
    this.#timerAtMs = atMs;
    const waitMs = Math.min(Math.max(0, atMs - this.now()), MAX_TIMER_MS);
    // It must not keep what happens to be under way in memory for hours.
    this.#timer = this.#outside(() =>
      setTimeout(() => {
        this.rest();
        this.look();
      }, waitMs),
    );
  }

  private rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  /** True: one was started, and there may be another. */
  private startOne(group: Group, nowMs: number, isInPeak: boolean, starting: Map<string, number>): boolean {
    const { deployments, notBeforeMs } = group;
    const { maxConcurrency, backgroundShare, interactiveShare } = this.parts.options();
    const usualMs = this.usualMs(group);
    const isPaused = notBeforeMs > nowMs;
    if (!isPaused) group.freed = 0;
    const isInPlace = group.freed > 0;
    const entry = isPaused && !isInPlace ? hurried(group, nowMs, usualMs) : nextOf(group, nowMs, usualMs);
    if (entry === undefined) return false;
    const verdict = judgeLane({
      deployments,
      signals: this.parts.signals,
      shares: { backgroundShare, interactiveShare },
      running: mostAt(this.#runningAt, deployments),
      starting: mostAt(starting, deployments),
      isPeak: isInPeak,
      nowMs,
    });
    const isUrgent = nowMs >= latestStartMs(entry, usualMs);
    // More at once only helps where there is room for it.
    const isCrowded = nowMs < notBeforeMs + CROWDED_MS;
    const isLastTry = Math.max(nowMs, notBeforeMs) >= lastTryMs(entry, usualMs);
    const mayRun =
      (isUrgent && (isLastTry || !isCrowded)) ||
      (this.#running < maxConcurrency && (verdict.mayRun || isUrgent || nowMs >= this.pressedAtMs(group)));
    if (!mayRun) return false;
    if (isInPlace) group.freed -= 1;
    this.remove(entry);
    for (const { id } of deployments) starting.set(id, (starting.get(id) ?? 0) + 1);
    void this.run(entry, verdict.mayHaveShare);
    return true;
  }

  /** Never throws. */
  private async run(entry: Entry, hasShare: boolean): Promise<void> {
    const { group, options, tries, deadlineAtMs } = entry;
    const leftMs = Math.max(1, deadlineAtMs - this.now());
    const longestMs = this.parts.policy().execution.deadlineMs ?? LONGEST_RUN_MS;
    const call = (): Promise<RoutedAnswer> =>
      this.parts.run(JSON.parse(entry.text), {
        ...options,
        hasShare,
        deadlineMs: Math.min(leftMs, longestMs),
      });
    this.count(group, 1);
    let isPutBack = false;
    try {
      const answer = await this.#outside(() =>
        tries.tally === undefined ? call() : runWithCallTally(tries.tally, call),
      );
      this.gaveWay(group);
      entry.resolve(answer);
    } catch (error) {
      isPutBack = this.putBack(entry, error);
      if (!isPutBack) {
        tries.conclude();
        entry.reject(error);
      }
    } finally {
      this.count(group, -1);
      // Where nobody is called a look has an end at once, and the next one would have too.
      if (isPutBack) this.lookSoon();
      else this.look();
    }
  }

  /** One of the group was answered. */
  private gaveWay({ key }: Group): void {
    const group = this.#groups.get(key);
    if (group === undefined) return;
    group.pauses = 0;
    group.freed += 1;
  }

  /** False: it was refused for good, or its time is over. */
  private putBack(entry: Entry, error: unknown): boolean {
    if (this.#isClosed || entry.options.signal?.aborted || !LlmRouterError.isInstance(error)) return false;
    const nowMs = this.now();
    const hasNoRoom = error.code === 'overloaded' || error.code === 'rate_limit_exceeded';
    const groupAtMs = hasNoRoom ? nowMs + Math.max(error.retryAfterMs ?? 0, MIN_RETRY_AFTER_MS) : undefined;
    // A spent budget is its own affair.
    const atMs = groupAtMs ?? (error instanceof BudgetExceededError ? error.resetsAtMs : undefined);
    // Of a little time, half is for the try after that.
    const usualMs = this.usualMs(entry.group);
    const lastMs = Math.max(entry.deadlineAtMs - usualMs, (nowMs + entry.deadlineAtMs) / 2);
    if (atMs === undefined || atMs > lastMs) return false;
    entry.notBeforeMs = atMs;
    entry.refusals += 1;
    this.put(entry);
    if (groupAtMs !== undefined) pause(entry.group, nowMs, groupAtMs);
    return true;
  }

  private count({ deployments }: Group, by: 1 | -1): void {
    this.#running += by;
    for (const { id } of deployments) {
      const running = (this.#runningAt.get(id) ?? 0) + by;
      if (running === 0) this.#runningAt.delete(id);
      else this.#runningAt.set(id, running);
    }
  }

  /** What its answers usually take, in milliseconds. */
  private usualMs({ deployments: [first] }: Group): number {
    const known = first === undefined ? undefined : this.parts.signals.of(first.id).p95LatencyMs;
    return known ?? UNKNOWN_LATENCY_MS;
  }

  /** From then on the group has to be worked off, or not all of it is answered in time. */
  private pressedAtMs(group: Group): number {
    const { maxConcurrency } = this.parts.options();
    const usualMs = this.usualMs(group);
    let atMs = Number.POSITIVE_INFINITY;
    // Of each round the first has the nearest deadline.
    for (let index = 0; index < group.waiting.length; index += maxConcurrency) {
      const entry = group.waiting[index];
      if (entry === undefined) continue;
      atMs = Math.min(
        atMs,
        latestStartMs(entry, usualMs) - Math.floor(index / maxConcurrency) * usualMs * ROUND_SLACK,
      );
    }
    return atMs;
  }

  /** When the peak ends; undefined: it is none now. */
  private peakEndMs(): number | undefined {
    const { peakHours } = this.parts.policy();
    const nowMs = this.now();
    if (peakHours === undefined || !isPeak(peakHours, nowMs)) return undefined;
    return peakEndsAt(peakHours, nowMs);
  }

  /** When the next leaves, as far as can be told. */
  private retryAfterMs(): number {
    const nowMs = this.now();
    const groups = [...this.#groups.values()];
    const pressedMs = Math.min(...groups.map((group) => this.pressedAtMs(group))) - nowMs;
    const peakMs = (this.peakEndMs() ?? nowMs) - nowMs;
    const roundMs =
      Math.max(0, ...groups.map((group) => this.usualMs(group))) / this.parts.options().maxConcurrency;
    return Math.max(MIN_RETRY_AFTER_MS, Math.min(pressedMs, peakMs + roundMs));
  }
}

/** After one that found no room: the more of that in a row, the longer. */
function pause(group: Group, nowMs: number, untilMs: number): void {
  // Those that were tried at once are refused at once.
  if (group.notBeforeMs <= nowMs) {
    group.pauses += 1;
    group.freed = 0;
  }
  const backoffMs = Math.min(MIN_RETRY_AFTER_MS * 2 ** (group.pauses - 1), MAX_BACKOFF_MS);
  const pauseMs = Math.min(Math.max(untilMs - nowMs, backoffMs), MAX_PAUSE_MS);
  group.notBeforeMs = Math.max(group.notBeforeMs, nowMs + pauseMs);
}

/** Later it might not be answered in time. Of a short wait one half at least is for the answer. */
function latestStartMs({ deadlineAtMs, enqueuedAtMs }: Entry, usualMs: number): number {
  return Math.max(deadlineAtMs - (2 * usualMs + SLACK_MS), (deadlineAtMs + enqueuedAtMs) / 2);
}

/** Later it hardly can be answered in time. */
function lastTryMs({ deadlineAtMs, enqueuedAtMs }: Entry, usualMs: number): number {
  return Math.max(deadlineAtMs - usualMs, (deadlineAtMs + enqueuedAtMs) / 2);
}

/** Who has to begin, then who was refused less often: else who is always refused would stand before all others. */
function nextOf({ waiting }: Group, nowMs: number, usualMs: number): Entry | undefined {
  let best: Entry | undefined;
  for (const entry of waiting) {
    if (entry.notBeforeMs > nowMs) continue;
    if (best === undefined) best = entry;
    else if (nowMs >= latestStartMs(best, usualMs) && nowMs < latestStartMs(entry, usualMs)) break;
    else if (entry.refusals < best.refusals) best = entry;
    if (best.refusals === 0) break;
  }
  return best;
}

/** Who has to begin now, and has no time left when the others may. */
function hurried({ waiting, notBeforeMs }: Group, nowMs: number, usualMs: number): Entry | undefined {
  return waiting.find(
    (entry) =>
      entry.notBeforeMs <= nowMs &&
      nowMs >= latestStartMs(entry, usualMs) &&
      notBeforeMs > lastTryMs(entry, usualMs),
  );
}

/** Behind all whose deadline is not later. */
function placeOf({ deadlineAtMs }: Entry, waiting: readonly Entry[]): number {
  let low = 0;
  let high = waiting.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((waiting[middle]?.deadlineAtMs ?? 0) <= deadlineAtMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mostAt(counts: ReadonlyMap<string, number>, deployments: readonly PolicyDeployment[]): number {
  return Math.max(...deployments.map(({ id }) => counts.get(id) ?? 0));
}

function withResolvers<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** @throws {@link InvalidRequestError} for what is no JSON. */
function textOf(request: object): string {
  try {
    return JSON.stringify(request);
  } catch {
    throw new InvalidRequestError('The request cannot be written as JSON, so it cannot wait in the queue.');
  }
}
