import type { TokenUsage } from '../chat/index.js';
import type { Percentiles } from './histogram.js';

/**
 * By what windows of KPIs can be split.
 *
 * @publicApi
 */
export type KpiRowDimension =
  'surface' | 'provider' | 'model' | 'deployment' | 'tier' | 'class' | 'tenant' | 'workload';

export const KPI_ROW_DIMENSIONS = [
  'surface',
  'provider',
  'model',
  'deployment',
  'tier',
  'class',
  'tenant',
  'workload',
] as const satisfies readonly KpiRowDimension[];

/**
 * The last minute, five minutes, hour or day; `start`: all since the process started.
 *
 * @publicApi
 */
export type KpiWindow = '1m' | '5m' | '1h' | '24h' | 'start';

/**
 * Length of one point of a series: `10s` reaches back five minutes, `1m` an hour, `15m` a day. Within that, any window.
 *
 * @publicApi
 */
export type KpiStep = '10s' | '1m' | '15m';

/**
 * What is asked of the KPIs, as in `GET /router/kpis?window=1h&by=surface,model` and `&by=model&step=1m`.
 *
 * @publicApi
 */
export interface KpiQuery {
  /** @defaultValue '5m' */
  readonly window?: KpiWindow;
  /** At most two. @defaultValue none: the total alone */
  readonly by?: readonly KpiRowDimension[];
  /** Adds {@link KpiWindowReport.series}, points over time. Not with the window `start`. @defaultValue no series */
  readonly step?: KpiStep;
}

/**
 * How good the answers were, 0 to 1.
 *
 * @publicApi
 */
export interface KpiQuality {
  /** Mean over evaluations and feedback, to four digits. */
  readonly score: number;
  /** Answers that were looked at. */
  readonly evaluations: number;
  /** Scores that somebody has given. */
  readonly feedback: number;
  /** Faults of answers by kind, as `schema_invalid`; one answer may have several. */
  readonly faults: Readonly<Record<string, number>>;
}

/**
 * What is known of one row, or of all. A request is counted once, where it was answered (`none` where nothing answered
 * it); an attempt once, where it was made. So the sum over the rows of any dimension is the total.
 *
 * Rates and shares are 0 to 1, to four digits. Who left (`clientLeft`) and what lost a hedge (`hedgeLost`) are neither
 * errors nor samples of time.
 *
 * @publicApi
 */
export interface KpiFigures {
  /** Requests that have ended. */
  readonly requests: number;
  readonly succeeded: number;
  /** Failed otherwise than by time. */
  readonly errors: number;
  readonly timeouts: number;
  readonly clientLeft: number;
  readonly shed: number;
  readonly rejected: number;
  /** Requests without an answer, by the code they ended with. */
  readonly errorsByCode: Readonly<Record<string, number>>;
  /** Errors and timeouts over what ended without the caller's doing. */
  readonly errorRate: number;
  readonly timeoutRate: number;
  /** Of requests: answered by another deployment than the first one called. */
  readonly fallbackRate: number;
  /** Of requests: a second copy was sent. */
  readonly hedgeRate: number;
  /** Of requests: shed. */
  readonly shedRate: number;
  /** Milliseconds until the answer was complete, of requests that succeeded, over all their attempts. */
  readonly latencyMs: Percentiles | null;
  /** Milliseconds until the caller had the first token of a stream, likewise. */
  readonly timeToFirstTokenMs: Percentiles | null;
  /** Calls of deployments that have ended. */
  readonly attempts: KpiAttemptFigures;
  readonly tokens: TokenUsage;
  /** US dollars of all calls, failed ones included, to a billionth. */
  readonly costUsd: number;
  /** `costUsd` over `requests`; null: no request was answered here. */
  readonly costPerRequestUsd: number | null;
  /** Of all requests of the window. */
  readonly requestShare: number;
  /** Of all its cost. */
  readonly costShare: number;
  /** Null: nothing was looked at. */
  readonly quality: KpiQuality | null;
  /**
   * Now under way: calls, of rows by deployment, model or provider; requests, of rows by surface or workload, and in
   * total. Null: not known of such rows.
   */
  readonly inFlight: number | null;
  /** Requests that wait now for room, of rows by deployment, model or provider, and in total. */
  readonly queueDepth: number | null;
}

/**
 * Calls of deployments, which is what tells how a model or provider does.
 *
 * @publicApi
 */
export interface KpiAttemptFigures {
  readonly total: number;
  readonly succeeded: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly clientLeft: number;
  readonly hedgeLost: number;
  /** Second copies. */
  readonly hedges: number;
  /** By kind, as `rate_limited`. */
  readonly errorsByKind: Readonly<Record<string, number>>;
  readonly errorRate: number;
  readonly timeoutRate: number;
  /** Milliseconds until the answer was complete, of successes. */
  readonly latencyMs: Percentiles | null;
  /** Milliseconds until a stream's first token. */
  readonly timeToFirstTokenMs: Percentiles | null;
  /** Milliseconds for each token of a stream after the first, of successes. */
  readonly timePerOutputTokenMs: Percentiles | null;
}

/**
 * The names of a row, by dimension: `{ "surface": "support", "model": "gpt-4" }`. `none`: there is none; tenant `other`:
 * all that are not counted by name.
 *
 * @publicApi
 */
export type KpiRowLabels = Readonly<Partial<Record<KpiRowDimension, string>>>;

/** @publicApi */
export type KpiRow = KpiRowLabels & KpiFigures;

/**
 * One stretch of time of one row, for a chart. Points without traffic are left out.
 *
 * @publicApi
 */
export interface KpiPoint {
  /** ISO time of its begin. */
  readonly from: string;
  /** ISO time of its end; of the last point it may lie ahead. */
  readonly to: string;
  readonly requests: number;
  readonly attempts: number;
  /** Requests that failed or ran out of time. */
  readonly errors: number;
  /** Calls that failed or ran out of time. */
  readonly attemptErrors: number;
  /** Of requests that succeeded; null: none. */
  readonly latencyMs: Percentiles | null;
  readonly timeToFirstTokenMs: Percentiles | null;
  /** Of calls that succeeded; null: none. */
  readonly attemptLatencyMs: Percentiles | null;
  readonly costUsd: number;
  /** Prompt and answer. */
  readonly tokens: number;
  readonly quality: number | null;
}

/** @publicApi */
export type KpiSeries = KpiRowLabels & { readonly points: readonly KpiPoint[] };

/**
 * KPIs of one window. Rows and series are sorted by traffic, the most first.
 *
 * @publicApi
 */
export interface KpiWindowReport {
  /** ISO time since which the process counts. */
  readonly since: string;
  readonly window: KpiWindow;
  /** ISO time from which this report counts: the window's begin, or up to one slice before it (10 s, 1 min, 15 min). */
  readonly from: string;
  readonly to: string;
  readonly by: readonly KpiRowDimension[];
  readonly total: KpiFigures;
  /** Empty without `by`. */
  readonly rows: readonly KpiRow[];
  readonly step?: KpiStep;
  /** With `step`: one for each row, or without `by` a single one for all. */
  readonly series?: readonly KpiSeries[];
}
