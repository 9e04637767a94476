import type { TelemetryBus } from '../telemetry/index.js';
import { type HandlerKpi, HandlerKpiAggregate } from './handler-kpi-aggregate.js';
import { type Kpi, KpiAggregate } from './kpi-aggregate.js';

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

/** By what KPIs can be asked for. */
export type KpiDimension = 'surface' | 'provider' | 'model' | 'deployment' | 'handler';

const REPORT_KEYS = {
  surface: 'surfaces',
  provider: 'providers',
  model: 'models',
  deployment: 'deployments',
  handler: 'handlers',
} as const satisfies Record<KpiDimension, keyof KpiReport>;

export const KPI_DIMENSIONS = Object.keys(REPORT_KEYS) as readonly KpiDimension[];

type Aggregates = Map<string, KpiAggregate>;

function aggregateOf(aggregates: Aggregates, key: string): KpiAggregate {
  let aggregate = aggregates.get(key);
  if (aggregate === undefined) {
    aggregate = new KpiAggregate();
    aggregates.set(key, aggregate);
  }
  return aggregate;
}

function read<Read>(aggregates: ReadonlyMap<string, { read(): Read }>): Record<string, Read> {
  return Object.fromEntries([...aggregates].map(([key, aggregate]) => [key, aggregate.read()]));
}

/** Counts attempt and request records. Keys come from the configuration and the code alone, so its memory is
 * bounded. */
export class KpiStore {
  readonly #since = new Date();
  readonly #total = new KpiAggregate();
  readonly #surfaces: Aggregates = new Map();
  readonly #providers: Aggregates = new Map();
  readonly #models: Aggregates = new Map();
  readonly #deployments: Aggregates = new Map();
  readonly #handlers = new Map<string, HandlerKpiAggregate>();

  constructor(bus: TelemetryBus) {
    bus.on('attempt-ended', (record) => {
      aggregateOf(this.#deployments, record.deployment).add(record);
      aggregateOf(this.#models, record.model).add(record);
      aggregateOf(this.#providers, record.provider).add(record);
    });
    bus.on('request-ended', (record) => {
      this.#total.add(record);
      aggregateOf(this.#surfaces, record.surface).add(record);
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

  /** One dimension alone: less to look through. */
  reportBy(dimension: KpiDimension): Pick<KpiReport, 'since' | 'total'> & Partial<KpiReport> {
    const { since, total, ...dimensions } = this.report();
    const key = REPORT_KEYS[dimension];
    return { since, total, [key]: dimensions[key] };
  }

  report(): KpiReport {
    return {
      since: this.#since.toISOString(),
      total: this.#total.read(),
      surfaces: read(this.#surfaces),
      providers: read(this.#providers),
      models: read(this.#models),
      deployments: read(this.#deployments),
      handlers: read(this.#handlers),
    };
  }

  /** KPIs of one provider; undefined: no call of it has ended yet. */
  provider(name: string): Kpi | undefined {
    return this.#providers.get(name)?.read();
  }
}
