import type { Plan } from '../../planning/index.js';
import type { RequestRecord, RequestStarted, TelemetryBus } from '../../telemetry/index.js';
import type { PlannedRequest, RequestObserver } from '../request-observer.js';
import type { Decision, DecisionReport } from './decision.js';
import type { DecisionEntry } from './decision-entry.js';
import { type DecisionFilter, DEFAULT_LIMIT, fits, MAX_LIMIT } from './decision-filter.js';
import { decisionOf, summaryOf } from './describe-decision.js';

/** Requests that have not ended. One that never does must not stay for ever. */
const MAX_RUNNING = 10_000;
/** Of one request; no plan has so many calls. */
const MAX_ATTEMPTS = 64;
/** So many ids of what is gone are cleared away together. */
const COMPACT_AFTER = 1_024;
/** Of one plan: a configuration of a thousand deployments rejects nearly all of them each time. */
const MAX_REJECTED = 100;

/**
 * The last decisions, in memory. Holds references to the plan and the records of a request, and puts them into words when
 * somebody reads them: what nobody reads costs next to nothing. Holds nothing of prompts or answers.
 */
export class DecisionLog implements RequestObserver {
  readonly #running = new Map<string, DecisionEntry>();
  /** In the order of their ends. */
  readonly #ended = new Map<string, DecisionEntry>();
  /** Their ids, from `#oldest` on: the first key of a map that is deleted from at its front is dear to find. */
  #order: string[] = [];
  #oldest = 0;
  #keep = 0;
  #subscriptions: (() => void)[] = [];

  constructor(private readonly bus: TelemetryBus) {}

  /** From now on so many that have ended are kept; 0: nothing is. */
  follow(keep: number): void {
    this.#keep = keep;
    if (keep === 0) this.close();
    else if (this.#subscriptions.length === 0) this.subscribe();
    this.forgetOldest();
  }

  onPlanned(planned: PlannedRequest): void {
    const entry = this.#running.get(planned.labels.decisionId);
    if (entry === undefined) return;
    const { plan, observed } = planned;
    if (planned.isEscalation) {
      entry.escalations.push({ ...planned, plan: cut(plan) });
      return;
    }
    entry.rejectedBeyond = Math.max(0, plan.rejected.length - MAX_REJECTED);
    const isLong = (one: Plan | 'refused' | undefined): boolean =>
      typeof one === 'object' && one.rejected.length > MAX_REJECTED;
    // A second try of the same request is planned anew: what was planned last has led to the outcome.
    entry.planned =
      isLong(plan) || isLong(observed)
        ? { ...planned, plan: cut(plan), observed: typeof observed === 'object' ? cut(observed) : observed }
        : planned;
  }

  find(id: string): Decision | undefined {
    const entry = this.#running.get(id) ?? this.#ended.get(id);
    return entry === undefined ? undefined : decisionOf(entry);
  }

  list(filter: DecisionFilter = {}): DecisionReport {
    const limit = Math.min(filter.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const found: DecisionEntry[] = [];
    for (const entries of [this.#running, this.#ended]) {
      for (const entry of [...entries.values()].reverse()) {
        if (found.length >= limit) break;
        if (fits(entry, filter)) found.push(entry);
      }
    }
    return {
      keep: this.#keep,
      kept: this.#ended.size,
      running: this.#running.size,
      decisions: found.map(summaryOf),
    };
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#running.clear();
    this.#ended.clear();
    this.#order = [];
    this.#oldest = 0;
  }

  private subscribe(): void {
    this.#subscriptions = [
      this.bus.on('request-started', (started) => {
        this.#running.set(started.decisionId, entryOf(started));
        forgetBeyond(this.#running, MAX_RUNNING);
      }),
      this.bus.on('attempt-ended', (record) => {
        // A call that lost against another may end after its request.
        const entry = this.#running.get(record.decisionId) ?? this.#ended.get(record.decisionId);
        if (entry !== undefined && entry.attempts.length < MAX_ATTEMPTS) entry.attempts.push(record);
      }),
      this.bus.on('request-ended', (record) => {
        this.end(record);
      }),
      this.bus.on('answer-evaluated', ({ decisionId, faults, score }) => {
        const entry = this.#ended.get(decisionId) ?? this.#running.get(decisionId);
        if (entry !== undefined) entry.evaluation = { faults, score };
      }),
      this.bus.on('feedback-given', ({ decisionId, score }) => {
        const entry = this.#ended.get(decisionId) ?? this.#running.get(decisionId);
        if (entry !== undefined) entry.feedback = { score, count: (entry.feedback?.count ?? 0) + 1 };
      }),
    ];
  }

  private end(record: RequestRecord): void {
    const { decisionId } = record;
    const entry = this.#running.get(decisionId) ?? entryOf(record);
    entry.record = record;
    this.#running.delete(decisionId);
    if (!this.#ended.has(decisionId)) this.#order.push(decisionId);
    this.#ended.set(decisionId, entry);
    this.forgetOldest();
  }

  private forgetOldest(): void {
    while (this.#ended.size > this.#keep) {
      this.#ended.delete(this.#order[this.#oldest] ?? '');
      this.#oldest += 1;
    }
    if (this.#oldest < COMPACT_AFTER || this.#oldest * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#oldest);
    this.#oldest = 0;
  }
}

function entryOf(started: RequestStarted | RequestRecord): DecisionEntry {
  return {
    started,
    planned: undefined,
    escalations: [],
    rejectedBeyond: 0,
    attempts: [],
    record: undefined,
    evaluation: undefined,
    feedback: undefined,
  };
}

function cut(plan: Plan): Plan {
  return { ...plan, rejected: plan.rejected.slice(0, MAX_REJECTED) };
}

function forgetBeyond(entries: Map<string, DecisionEntry>, most: number): void {
  if (entries.size <= most) return;
  for (const id of entries.keys()) {
    if (entries.size <= most) return;
    entries.delete(id);
  }
}
