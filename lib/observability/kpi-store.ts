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
import { KpiAnswers } from './kpi-answers.js';
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
}

interface Row {
  readonly labels: KpiRowLabels;
  readonly cell: KpiCell;
}

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

  constructor(bus: TelemetryBus, { tenants = DEFAULT_TENANTS, now = Date.now }: KpiStoreSettings = {}) {
    this.#now = now;
    this.#sinceMs = now();
    this.#tenants = new KpiTenants(tenants, (tenant) => {
      this.#lifetime.dropTenant(tenant);
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
    for (;;) {
      try {
        return this.find(checked);
      } catch (error) {
        // It is gone by now, so this ends.
        if (!(error instanceof BadKpiSliceError)) throw error;
      }
    }
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

  private find(query: CheckedKpiQuery): KpiWindowReport {
    const nowMs = this.#now();
    const known = this.#answers.find(query, nowMs);
    if (known !== undefined) return known;
    const { report, cells } = this.read(query, nowMs);
    this.#answers.keep(query, report, cells, nowMs);
    return report;
  }

  private read(
    { window, by, step }: CheckedKpiQuery,
    nowMs: number,
  ): { readonly report: KpiWindowReport; readonly cells: number } {
    let added = 0;
    const stretches = window === 'start' ? [this.allStretch(nowMs)] : this.stretches(window, nowMs);
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
    }
    finish();
    for (const { cell } of rows.values()) total.merge(cell);
    const sorted = [...rows].sort(([, left], [, right]) => traffic(right.cell) - traffic(left.cell));
    const around = { totalRequests: total.allRequests, totalCostUsd: total.costUsd.value };
    const report: KpiWindowReport = {
      since: new Date(this.#sinceMs).toISOString(),
      window,
      from: new Date(fromMs).toISOString(),
      to: new Date(nowMs).toISOString(),
      by,
      total: figuresOf(total, { ...around, ...this.live.total() }),
      rows:
        by.length === 0
          ? []
          : sorted.map(([, { labels, cell }]): KpiRow => ({
              ...labels,
              ...figuresOf(cell, { ...around, ...this.live.row(by, labels) }),
            })),
      ...(step === undefined
        ? {}
        : {
            step,
            series: sorted
              .slice(0, MAX_SERIES)
              .map(([key, { labels }]) => ({ ...labels, points: points.get(key) ?? [] })),
          }),
    };
    return { report, cells: added };
  }

  private *stretches(
    window: Exclude<CheckedKpiQuery['window'], 'start'>,
    nowMs: number,
  ): Generator<KpiStretch, void, undefined> {
    yield* this.#timeline.since(nowMs - KPI_WINDOWS_MS[window], nowMs);
  }

  private allStretch(nowMs: number): KpiStretch {
    return {
      startMs: this.#sinceMs,
      endMs: nowMs,
      // Each has all times that it ever had: as much as ten of a slice.
      cells: this.#lifetime.size * 10,
      addTo: (of) => {
        for (const cell of this.#lifetime.values()) of(cell.key).merge(cell);
      },
    };
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
