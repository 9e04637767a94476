import type {
  AnswerEvaluated,
  AttemptRecord,
  FeedbackGiven,
  RequestLabels,
  RequestRecord,
  TelemetryBus,
  Tier,
} from '../telemetry/index.js';
import { type HandlerKpi, HandlerKpiAggregate } from './handler-kpi-aggregate.js';
import { attemptKpi, type Kpi, requestKpi } from './kpi-aggregate.js';
import { KpiAnswers, type Reckoned } from './kpi-answers.js';
import { inTurns } from './in-turns.js';
import { joinKey, type KpiCellKey, NONE } from './kpi-cell-key.js';
import { eachTimeOfAttempt, eachTimeOfRequest, KpiCell, type KpiTime } from './kpi-cell.js';
import { figuresOf, pointOf } from './kpi-figures.js';
import { KpiLifetime, type LifetimeCell } from './kpi-lifetime.js';
import { KpiLive } from './kpi-live.js';
import type {
  KpiPoint,
  KpiQuery,
  KpiRow,
  KpiRowDimension,
  KpiRowLabels,
  KpiWindowReport,
} from './kpi-query.js';
import { type CheckedKpiQuery, checkKpiQuery, KPI_STEPS, KPI_WINDOWS_MS } from './kpi-read-query.js';
import { BadKpiSliceError } from './kpi-slice.js';
import { KpiTenantTotals } from './kpi-tenant-totals.js';
import { KpiTenants } from './kpi-tenants.js';
import { KPI_LEVELS, type KpiStretch, KpiTimeline } from './kpi-timeline.js';

/**
 * All KPIs since the process started. `total` and `surfaces` count requests; the others count attempts, so that a
 * request served by its fallback shows at both deployments.
 *
 * @publicApi
 */
export interface KpiReport {
  /** ISO time from which is counted. */
  readonly since: string;
  readonly total: Kpi;
  readonly surfaces: Readonly<Record<string, Kpi>>;
  readonly providers: Readonly<Record<string, Kpi>>;
  readonly models: Readonly<Record<string, Kpi>>;
  readonly deployments: Readonly<Record<string, Kpi>>;
  /** By `Class.method`, of handlers with {@link LlmMetricsInterceptor} that asked a model. */
  readonly handlers: Readonly<Record<string, HandlerKpi>>;
}

/** By what KPIs since the start can be asked for. */
export type KpiDimension = 'surface' | 'provider' | 'model' | 'deployment' | 'handler';

const REPORT_KEYS = {
  surface: 'surfaces',
  provider: 'providers',
  model: 'models',
  deployment: 'deployments',
  handler: 'handlers',
} as const satisfies Record<KpiDimension, keyof KpiReport>;

export const KPI_DIMENSIONS = Object.keys(REPORT_KEYS) as readonly KpiDimension[];

const DEFAULT_TENANTS = 20;
/** Lines of a chart: beyond, nobody tells them apart. */
const MAX_SERIES = 20;
/** Of so many requests that were served last it is known by which tier, for whoever judges their answers. */
const REMEMBERED_TIERS = 1_024;
/** Of so many answers it is known where the last word on them counts; of others, another word is one more. */
const REMEMBERED_WORDS = 10_000;

/** The last word on an answer, and where it was counted. */
interface Said {
  readonly key: KpiCellKey;
  /** Of the timeline. */
  readonly slice: number;
  readonly score: number;
}

export interface KpiStoreSettings {
  /** Tenants that are counted by name. */
  readonly tenants?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** How long a question that is answered in turns keeps the event loop. @defaultValue 5 */
  readonly turnMs?: number;
}

interface Row {
  readonly labels: KpiRowLabels;
  readonly cell: KpiCell;
}

/** So often a question is begun anew because names have changed. */
const MAX_READS_IN_TURNS = 3;
/** A breath at least after so many combinations of names, or rows. */
const BREATH_CELLS = 64;

/**
 * Counts what the records tell: attempts where they were made, requests once where they were answered. All names but
 * tenants' come from the configuration and the code, and of tenants those with most traffic alone are kept, so its memory
 * is bounded.
 */
export class KpiStore {
  readonly live: KpiLive;
  /** Of the tenants of the configuration, whether or not they are among those with most traffic. */
  readonly tenantTotals: KpiTenantTotals;
  /** Under which trace a request runs, for exemplars of `GET /metrics`. Undefined: none. */
  traceIdOf: (decisionId: string) => string | undefined = () => undefined;
  /** A fault of ours: part of what was counted is lost. */
  onFault: (error: unknown) => void = () => undefined;
  readonly #now: () => number;
  readonly #turnMs: number | undefined;
  readonly #sinceMs: number;
  readonly #lifetime = new KpiLifetime();
  readonly #timeline = new KpiTimeline(undefined, (error) => {
    this.onFault(error);
  });
  readonly #tenants: KpiTenants;
  readonly #handlers = new Map<string, HandlerKpiAggregate>();
  readonly #tiers = new Map<string, Tier>();
  readonly #answers = new KpiAnswers();
  readonly #said = new Map<string, Said>();
  /** Tenants that have lost their names: what they had is with the others since. */
  #lostNames = 0;
  #lastQuestion: Promise<unknown> = Promise.resolve();

  constructor(
    bus: TelemetryBus,
    { tenants = DEFAULT_TENANTS, now = Date.now, turnMs }: KpiStoreSettings = {},
  ) {
    this.#now = now;
    this.#turnMs = turnMs;
    this.#sinceMs = now();
    this.#tenants = new KpiTenants(tenants, (tenant) => {
      this.#lifetime.dropTenant(tenant);
      this.#lostNames += 1;
    });
    this.live = new KpiLive(bus);
    this.tenantTotals = new KpiTenantTotals(bus);
    bus.on('attempt-ended', (record) => {
      this.addAttempt(record);
    });
    bus.on('request-ended', (record) => {
      this.addRequest(record);
    });
    bus.on('answer-evaluated', (evaluated) => {
      const lifetime = this.#lifetime.cell(this.ofAnswer(evaluated));
      lifetime.addEvaluation(evaluated);
      lifetime.addFirstScore(evaluated.score);
      this.#timeline.cell(lifetime.key, this.#now()).addEvaluation(evaluated);
    });
    bus.on('feedback-given', (given) => {
      this.addFeedback(given);
    });
    bus.on('handler-ended', (record) => {
      let aggregate = this.#handlers.get(record.handler);
      if (aggregate === undefined) {
        aggregate = new HandlerKpiAggregate();
        this.#handlers.set(record.handler, aggregate);
      }
      aggregate.add(record);
    });
  }

  /** Another configuration is in force. */
  follow({ tenants }: { readonly tenants: number }): void {
    this.#tenants.follow(tenants);
    this.#answers.clear();
  }

  /** All combinations of names, with what they have counted since the start. */
  lifetime(): Iterable<LifetimeCell> {
    return this.#lifetime.values();
  }

  /** How much is kept, for benches. */
  get size(): { readonly cells: number; readonly slices: number; readonly packedBytes: number } {
    return { cells: this.#lifetime.size, slices: this.#timeline.slices, packedBytes: this.#timeline.bytes };
  }

  /**
   * KPIs of a window, in all, by row, and over time. Where there are thousands of combinations of names, the same question
   * gets the same answer for a second, of a day for 30; `to` says of when it is.
   *
   * @throws {@link InvalidRequestError} that says what may be asked.
   */
  query(query: KpiQuery = {}): KpiWindowReport {
    const checked = checkKpiQuery(query);
    const known = this.#answers.find(checked, this.#now());
    if (known !== undefined) return known;
    const reading = this.read(checked);
    for (;;) {
      const { done, value } = reading.next();
      if (!done) continue;
      this.#answers.keep(checked, value);
      return value.report;
    }
  }

  /**
   * The same, for who can wait: a day of thousands of combinations takes a tenth of a second and more, in which others are
   * served meanwhile. Whoever asks the same while it is reckoned gets the same answer. What is recorded meanwhile may be in
   * it, as far as it is of the slice of time that was under way, or of the window `start`.
   *
   * @throws {@link InvalidRequestError} that says what may be asked.
   */
  async queryInTurns(query: KpiQuery = {}): Promise<KpiWindowReport> {
    const checked = checkKpiQuery(query);
    const known = this.#answers.find(checked, this.#now());
    if (known !== undefined) return known;
    return this.#answers.share(checked, () => {
      // One question after the other: several at once would each have a turn before anybody else has.
      const answer = this.#lastQuestion.then(() => inTurns(this.read(checked), this.#turnMs));
      this.#lastQuestion = answer.catch(() => undefined);
      return answer;
    });
  }

  /** One dimension alone: less to look through. */
  reportBy(dimension: KpiDimension): Pick<KpiReport, 'since' | 'total'> & Partial<KpiReport> {
    const { since, total, ...dimensions } = this.report();
    const key = REPORT_KEYS[dimension];
    return { since, total, [key]: dimensions[key] };
  }

  report(): KpiReport {
    const total = new KpiCell();
    for (const cell of this.#lifetime.values()) total.merge(cell);
    return {
      since: new Date(this.#sinceMs).toISOString(),
      total: requestKpi(total),
      surfaces: this.sinceStart('surface', requestKpi),
      providers: this.sinceStart('provider', attemptKpi),
      models: this.sinceStart('model', attemptKpi),
      deployments: this.sinceStart('deployment', attemptKpi),
      handlers: Object.fromEntries([...this.#handlers].map(([key, aggregate]) => [key, aggregate.read()])),
    };
  }

  private sinceStart(dimension: KpiRowDimension, read: (cell: KpiCell) => Kpi): Record<string, Kpi> {
    const cells = new Map<string, KpiCell>();
    for (const cell of this.#lifetime.values()) cellOf(cells, cell.key[dimension]).merge(cell);
    return Object.fromEntries(
      [...cells]
        .map(([name, cell]) => [name, read(cell)] as const)
        .filter(([, { requests }]) => requests > 0),
    );
  }

  /** Yields where somebody else may have a turn. */
  private *read(query: CheckedKpiQuery): Generator<void, Reckoned, undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const lostNames = this.#lostNames;
      const adding = this.addUp(query);
      try {
        // Where a tenant has lost its name meanwhile, half of it is added under each: all anew, in the end without a pause.
        while (this.#lostNames === lostNames) {
          const { done, value } = adding.next();
          if (done) return value;
          if (attempt < MAX_READS_IN_TURNS) yield;
        }
      } catch (error) {
        // It is gone by now, so this ends.
        if (!(error instanceof BadKpiSliceError)) throw error;
      }
    }
  }

  private *addUp({ window, by, step }: CheckedKpiQuery): Generator<void, Reckoned, undefined> {
    const nowMs = this.#now();
    let added = 0;
    // All of them now: what is recorded meanwhile joins and drops slices.
    const stretches = [
      ...(window === 'start'
        ? this.allStretches(nowMs)
        : this.#timeline.since(nowMs - KPI_WINDOWS_MS[window], nowMs)),
    ];
    const total = new KpiCell();
    const rows = new Map<string, Row>();
    const points = new Map<string, KpiPoint[]>();
    let fromMs = Math.max(this.#sinceMs, alignedStart(window, nowMs));
    const stepMs = step === undefined ? Number.POSITIVE_INFINITY : KPI_STEPS[step].stepMs;
    let gathering: { startMs: number; endMs: number; readonly cells: Map<string, KpiCell> } | undefined;
    const finish = (): void => {
      if (gathering === undefined) return;
      for (const [key, cell] of gathering.cells) {
        const line = points.get(key) ?? [];
        line.push(pointOf(cell, gathering.startMs, gathering.endMs));
        points.set(key, line);
        rows.get(key)?.cell.merge(cell);
      }
    };
    for (const stretch of stretches) {
      added += stretch.cells;
      fromMs = Math.max(this.#sinceMs, Math.min(fromMs, stretch.startMs));
      if (step !== undefined && (gathering === undefined || stretch.startMs >= gathering.endMs)) {
        finish();
        const startMs = Math.floor(stretch.startMs / stepMs) * stepMs;
        gathering = { startMs, endMs: Math.max(startMs + stepMs, stretch.endMs), cells: new Map() };
      }
      const { cells } = gathering ?? {};
      const groups = new Map<KpiCellKey, KpiCell>();
      stretch.addTo((key) => {
        let cell = groups.get(key);
        if (cell === undefined) {
          const text = joinKey(key, by);
          cell = cells === undefined ? rowOf(rows, text, key, by).cell : cellOf(cells, text);
          if (cells !== undefined) rowOf(rows, text, key, by);
          groups.set(key, cell);
        }
        return cell;
      });
      yield;
    }
    finish();
    let merged = 0;
    for (const { cell } of rows.values()) {
      total.merge(cell);
      merged += 1;
      if (merged % BREATH_CELLS === 0) yield;
    }
    const sorted = [...rows].sort(([, left], [, right]) => traffic(right.cell) - traffic(left.cell));
    const around = { totalRequests: total.allRequests, totalCostUsd: total.costUsd.value };
    const told: KpiRow[] = [];
    for (const [, { labels, cell }] of by.length === 0 ? [] : sorted) {
      told.push({ ...labels, ...figuresOf(cell, { ...around, ...this.live.row(by, labels) }) });
      if (told.length % BREATH_CELLS === 0) yield;
    }
    const report: KpiWindowReport = {
      since: new Date(this.#sinceMs).toISOString(),
      window,
      from: new Date(fromMs).toISOString(),
      to: new Date(nowMs).toISOString(),
      by,
      total: figuresOf(total, { ...around, ...this.live.total() }),
      rows: told,
      ...(step === undefined
        ? {}
        : {
            step,
            series: sorted
              .slice(0, MAX_SERIES)
              .map(([key, { labels }]) => ({ ...labels, points: points.get(key) ?? [] })),
          }),
    };
    return { report, cells: added, atMs: nowMs };
  }

  private allStretches(nowMs: number): KpiStretch[] {
    const all = [...this.#lifetime.values()];
    const stretches: KpiStretch[] = [];
    for (let from = 0; from < all.length; from += BREATH_CELLS) {
      const part = all.slice(from, from + BREATH_CELLS);
      stretches.push({
        startMs: this.#sinceMs,
        endMs: nowMs,
        // Each has all times that it ever had: as much as ten of a slice.
        cells: part.length * 10,
        addTo: (of) => {
          for (const cell of part) of(cell.key).merge(cell);
        },
      });
    }
    return stretches;
  }

  private addAttempt(record: AttemptRecord): void {
    const { deployment, model, provider, tier } = record;
    const nowMs = this.#now();
    const lifetime = this.#lifetime.cell({
      deployment,
      model,
      provider,
      tier,
      ...this.ofRequest(record, false),
    });
    lifetime.addAttempt(record);
    this.#timeline.cell(lifetime.key, nowMs).addAttempt(record);
    const traceId = this.traceIdOf(record.decisionId);
    eachTimeOfAttempt(record, (time: KpiTime, ms: number) => {
      lifetime.observe(time, ms, traceId, nowMs);
    });
  }

  private addRequest(record: RequestRecord): void {
    const { servedBy, decisionId } = record;
    const nowMs = this.#now();
    const lifetime = this.#lifetime.cell({
      deployment: servedBy?.deployment ?? NONE,
      model: servedBy?.model ?? NONE,
      provider: servedBy?.provider ?? NONE,
      tier: servedBy?.tier ?? NONE,
      ...this.ofRequest(record, true),
    });
    lifetime.addRequest(record);
    this.#timeline.cell(lifetime.key, nowMs).addRequest(record);
    const traceId = this.traceIdOf(decisionId);
    eachTimeOfRequest(record, (time: KpiTime, ms: number) => {
      lifetime.observe(time, ms, traceId, nowMs);
    });
    if (servedBy !== undefined) remember(this.#tiers, decisionId, servedBy.tier, REMEMBERED_TIERS);
  }

  /**
   * A second word on an answer takes the place of the first, where that was counted. In a window it does so where the first
   * was given just now: what is packed is not changed any more, so of a first word of long ago both count, each in its time.
   */
  private addFeedback(given: FeedbackGiven): void {
    const { decisionId, score, replaces } = given;
    const said = replaces === undefined ? undefined : this.#said.get(decisionId);
    const lifetime = this.#lifetime.cell(said?.key ?? this.ofAnswer(given));
    // The key of the first word: the slice that counted it knows it by that one, whatever its tenant is called by now.
    const key = said?.key ?? lifetime.key;
    const cell = this.#timeline.cell(key, this.#now());
    const slice = this.#timeline.openNumber;
    if (said === undefined) {
      lifetime.addFeedback(score);
      lifetime.addFirstScore(score);
    } else {
      lifetime.replaceFeedback(score, said.score);
    }
    if (said?.slice === slice) cell.replaceFeedback(score, said.score);
    else cell.addFeedback(score);
    remember(this.#said, decisionId, { key, slice, score }, REMEMBERED_WORDS);
  }

  private ofAnswer(answer: AnswerEvaluated | FeedbackGiven): KpiCellKey {
    const { deployment, model, provider, decisionId } = answer;
    const tier = this.#tiers.get(decisionId) ?? NONE;
    return { deployment, model, provider, tier, ...this.ofRequest(answer, false) };
  }

  private ofRequest(
    labels: RequestLabels,
    isRequest: boolean,
  ): Pick<KpiCellKey, 'class' | 'surface' | 'tenant' | 'workload'> {
    const { requestClass, surface, workload, tenant } = labels;
    let counted = NONE;
    if (tenant !== undefined) {
      counted = isRequest ? this.#tenants.count(tenant) : this.#tenants.nameOf(tenant);
    }
    return { class: requestClass, surface, tenant: counted, workload };
  }
}

/** The one that was remembered first is forgotten beyond the limit. */
function remember<Value>(values: Map<string, Value>, id: string, value: Value, limit: number): void {
  values.set(id, value);
  if (values.size <= limit) return;
  for (const oldest of values.keys()) {
    values.delete(oldest);
    return;
  }
}

function rowOf(rows: Map<string, Row>, text: string, key: KpiCellKey, by: readonly KpiRowDimension[]): Row {
  let row = rows.get(text);
  if (row === undefined) {
    row = {
      labels: Object.fromEntries(by.map((dimension) => [dimension, key[dimension]])),
      cell: new KpiCell(),
    };
    rows.set(text, row);
  }
  return row;
}

function cellOf(cells: Map<string, KpiCell>, key: string): KpiCell {
  let cell = cells.get(key);
  if (cell === undefined) {
    cell = new KpiCell();
    cells.set(key, cell);
  }
  return cell;
}

/** The begin of the slice in which the window begins. */
function alignedStart(window: CheckedKpiQuery['window'], nowMs: number): number {
  const windowMs = KPI_WINDOWS_MS[window];
  const level = KPI_LEVELS.find(({ keptMs }) => windowMs <= keptMs);
  if (level === undefined) return 0;
  return Math.floor((nowMs - windowMs) / level.sliceMs) * level.sliceMs;
}

/** Rows without a request of their own (all calls failed) by their calls. */
function traffic(cell: KpiCell): number {
  return cell.allRequests + cell.allAttempts;
}
