import type { TokenUsage } from '../chat/index.js';
import type { AnswerEvaluated, AttemptRecord, Outcome, RequestRecord } from '../telemetry/index.js';
import { CompensatedSum } from './compensated-sum.js';
import { KpiHistogram } from './kpi-histogram.js';

export const OUTCOMES = [
  'succeeded',
  'failed',
  'timed_out',
  'client_left',
  'hedge_lost',
  'shed',
  'rejected',
] as const satisfies readonly Outcome[];
const OUTCOME_INDEX = Object.fromEntries(OUTCOMES.map((outcome, index) => [outcome, index])) as Record<
  Outcome,
  number
>;

/** Where each count stands in {@link KpiCell.counts}. */
const REQUESTS = 0;
const ATTEMPTS = REQUESTS + OUTCOMES.length;
const TOKENS = ATTEMPTS + OUTCOMES.length;
const TOKEN_KINDS = [
  'promptTokens',
  'completionTokens',
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
] as const satisfies readonly (keyof TokenUsage)[];
const FELL_BACK = TOKENS + TOKEN_KINDS.length;
const HEDGED = FELL_BACK + 1;
const HEDGES = HEDGED + 1;
const EVALUATIONS = HEDGES + 1;
const FEEDBACK = EVALUATIONS + 1;
/** Millionths, so that every count is a whole number. */
const SCORES = FEEDBACK + 1;
/** Of these, what was said first of each answer: it does not go down where another word takes its place. */
const FIRST_SCORES = SCORES + 1;
const NAMED = FIRST_SCORES + 1;
const SCORE_UNITS = 1e6;

function scoreUnits(score: number): number {
  return Math.round(score * SCORE_UNITS);
}

/** Counts by a name of our own code, which get their places as they come: kinds of errors, codes, faults. */
export type NamedCount = 'error_kind' | 'error_code' | 'fault';
const names: { readonly family: NamedCount; readonly name: string; readonly outcome?: Outcome }[] = [];
const places = new Map<string, number>();

function placeOf(family: NamedCount, name: string, outcome?: Outcome): number {
  const key = `${family}:${name}:${outcome ?? ''}`;
  let place = places.get(key);
  if (place === undefined) {
    place = NAMED + names.length;
    names.push({ family, name, ...(outcome === undefined ? {} : { outcome }) });
    places.set(key, place);
  }
  return place;
}

/** Whether a number can be where a count stands. */
export function isPlace(place: number): boolean {
  return place < NAMED + names.length;
}

/** The kinds of times, in their places of {@link KpiCell.histograms}. */
export const KPI_TIMES = [
  'latency',
  'timeToFirstToken',
  'attemptLatency',
  'attemptTimeToFirstToken',
  'timePerOutputToken',
] as const;
export type KpiTime = (typeof KPI_TIMES)[number];
export const TIME_INDEX = Object.fromEntries(KPI_TIMES.map((time, index) => [time, index])) as Record<
  KpiTime,
  number
>;

/** A caller that left and a hedge that lost say nothing of how fast a model is. */
export function isLatencySample(outcome: Outcome): boolean {
  return outcome !== 'client_left' && outcome !== 'hedge_lost';
}

/** What times an attempt gives, by kind. */
export function eachTimeOfAttempt(record: AttemptRecord, take: (time: KpiTime, ms: number) => void): void {
  const { outcome, durationMs, timeToFirstTokenMs, usage } = record;
  if (outcome === 'succeeded') take('attemptLatency', durationMs);
  if (timeToFirstTokenMs === undefined || !isLatencySample(outcome)) return;
  take('attemptTimeToFirstToken', timeToFirstTokenMs);
  if (outcome !== 'succeeded' || usage.completionTokens < 2) return;
  take('timePerOutputToken', Math.max(0, durationMs - timeToFirstTokenMs) / (usage.completionTokens - 1));
}

/** What times a request gives, by kind. */
export function eachTimeOfRequest(record: RequestRecord, take: (time: KpiTime, ms: number) => void): void {
  const { outcome, durationMs, timeToFirstTokenMs } = record;
  if (outcome === 'succeeded') take('latency', durationMs);
  if (timeToFirstTokenMs !== undefined && isLatencySample(outcome)) {
    take('timeToFirstToken', timeToFirstTokenMs);
  }
}

/** Sums of one row in one stretch of time. Two of them can be merged. */
export class KpiCell {
  readonly counts: number[] = new Array<number>(NAMED).fill(0);
  readonly costUsd = new CompensatedSum();
  readonly histograms: (KpiHistogram | undefined)[] = [undefined, undefined, undefined, undefined, undefined];

  addAttempt(record: AttemptRecord): void {
    const { outcome, errorKind, usage } = record;
    this.count(ATTEMPTS + OUTCOME_INDEX[outcome]);
    if (errorKind !== undefined) this.count(placeOf('error_kind', errorKind, outcome));
    if (record.hedge === true) this.count(HEDGES);
    for (let kind = 0; kind < TOKEN_KINDS.length; kind += 1) {
      const name = TOKEN_KINDS[kind];
      if (name !== undefined && usage[name] > 0) this.count(TOKENS + kind, usage[name]);
    }
    this.costUsd.add(record.costUsd);
    eachTimeOfAttempt(record, this.time);
  }

  addRequest(record: RequestRecord): void {
    this.count(REQUESTS + OUTCOME_INDEX[record.outcome]);
    if (record.errorCode !== undefined && isLatencySample(record.outcome)) {
      this.count(placeOf('error_code', record.errorCode));
    }
    if (record.fellBack === true) this.count(FELL_BACK);
    if (record.hedged === true) this.count(HEDGED);
    eachTimeOfRequest(record, this.time);
  }

  addEvaluation({ score, faults }: AnswerEvaluated): void {
    this.count(EVALUATIONS);
    this.count(SCORES, scoreUnits(score));
    for (const fault of faults) this.count(placeOf('fault', fault));
  }

  addFeedback(score: number): void {
    this.count(FEEDBACK);
    this.count(SCORES, scoreUnits(score));
  }

  /** Another word on an answer of which the first was counted in this very cell: elsewhere, the sum would go below 0. */
  replaceFeedback(score: number, replaced: number): void {
    this.count(SCORES, scoreUnits(score) - scoreUnits(replaced));
  }

  /** What was said first of an answer, beside what is counted of it otherwise. */
  addFirstScore(score: number): void {
    this.count(FIRST_SCORES, scoreUnits(score));
  }

  merge(other: KpiCell): void {
    this.mergeCounts(other);
    for (const [index, histogram] of other.histograms.entries()) {
      if (histogram !== undefined) this.histogram(index).merge(histogram);
    }
  }

  /** All but the times. */
  mergeCounts(other: KpiCell): void {
    for (let place = 0; place < other.counts.length; place += 1) {
      const count = other.counts[place] ?? 0;
      if (count !== 0) this.count(place, count);
    }
    this.costUsd.add(other.costUsd.value);
  }

  count(place: number, amount = 1): void {
    // An array without holes stays quick.
    while (this.counts.length <= place) this.counts.push(0);
    this.counts[place] = (this.counts[place] ?? 0) + amount;
  }

  histogram(index: number): KpiHistogram {
    let histogram = this.histograms[index];
    if (histogram === undefined) {
      histogram = new KpiHistogram();
      this.histograms[index] = histogram;
    }
    return histogram;
  }

  times(time: KpiTime): KpiHistogram | undefined {
    return this.histograms[TIME_INDEX[time]];
  }

  requests(outcome: Outcome): number {
    return this.counts[REQUESTS + OUTCOME_INDEX[outcome]] ?? 0;
  }

  attempts(outcome: Outcome): number {
    return this.counts[ATTEMPTS + OUTCOME_INDEX[outcome]] ?? 0;
  }

  get allRequests(): number {
    return OUTCOMES.reduce((sum, outcome) => sum + this.requests(outcome), 0);
  }

  get allAttempts(): number {
    return OUTCOMES.reduce((sum, outcome) => sum + this.attempts(outcome), 0);
  }

  get tokens(): TokenUsage {
    return Object.fromEntries(
      TOKEN_KINDS.map((name, kind) => [name, this.counts[TOKENS + kind] ?? 0]),
    ) as unknown as TokenUsage;
  }

  get fellBack(): number {
    return this.counts[FELL_BACK] ?? 0;
  }

  /** Requests of which a second copy was sent. */
  get hedged(): number {
    return this.counts[HEDGED] ?? 0;
  }

  /** The second copies. */
  get hedges(): number {
    return this.counts[HEDGES] ?? 0;
  }

  get evaluations(): number {
    return this.counts[EVALUATIONS] ?? 0;
  }

  get feedback(): number {
    return this.counts[FEEDBACK] ?? 0;
  }

  /** Sum of all scores. */
  get scores(): number {
    return (this.counts[SCORES] ?? 0) / SCORE_UNITS;
  }

  /** Sum of what was said first of each answer, where it was counted. */
  get firstScores(): number {
    return (this.counts[FIRST_SCORES] ?? 0) / SCORE_UNITS;
  }

  /** Counts by name; `outcome`: of the attempts that ended so, where the family has it. */
  *named(
    family: NamedCount,
  ): Generator<
    { readonly name: string; readonly outcome?: Outcome; readonly count: number },
    void,
    undefined
  > {
    for (let place = NAMED; place < this.counts.length; place += 1) {
      const count = this.counts[place] ?? 0;
      const entry = names[place - NAMED];
      if (count > 0 && entry?.family === family) yield { ...entry, count };
    }
  }

  private readonly time = (time: KpiTime, ms: number): void => {
    this.histogram(TIME_INDEX[time]).record(ms);
  };
}
