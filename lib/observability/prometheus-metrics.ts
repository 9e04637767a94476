import { type OpenMetricsContentType, type PrometheusContentType, Registry } from 'prom-client';
import type { TelemetryBus } from '../telemetry/index.js';
import { registerAlertGauge } from './alert-gauge.js';
import { registerEventMetrics } from './prometheus-event-metrics.js';
import { prometheusFamilies, type PrometheusSources } from './prometheus-families.js';
import {
  type PrometheusFamilyDescription,
  type PrometheusSample,
  registerFamily,
} from './prometheus-family.js';

/** As far as the router goes by it. */
export interface MetricsSettings {
  readonly exemplars: boolean;
  /** The application's; undefined: one of our own. */
  readonly registry?: object | undefined;
}

/**
 * The router's Prometheus metrics, in a registry of their own so that the host's stays untouched, or in the one that the
 * host has given. Read from the KPIs when somebody asks. Names follow OpenTelemetry's GenAI vocabulary, turned the
 * Prometheus way; label values come from the configuration alone.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
 */
export class PrometheusMetrics {
  readonly #families: readonly PrometheusFamilyDescription[];
  #registry = new Registry();
  #leave: (() => void)[] = [];
  #settings: MetricsSettings;

  constructor(
    bus: TelemetryBus,
    sources: Omit<PrometheusSources, 'withExemplars'>,
    settings: MetricsSettings = { exemplars: false },
  ) {
    this.#settings = settings;
    // What counts events by itself does so here, and is shown through families as all else.
    const counted = new Registry();
    registerAlertGauge(bus, counted);
    registerEventMetrics(bus, counted);
    this.#families = [
      ...prometheusFamilies({ ...sources, withExemplars: () => this.#settings.exemplars }),
      ...familiesOf(counted),
    ];
    this.register(settings);
  }

  get registry(): Registry {
    return this.#registry;
  }

  /**
   * Another configuration is in force.
   *
   * @throws Error where the registry has another metric of a name; the metrics then stay where they are.
   */
  follow(settings: MetricsSettings): void {
    const before = this.#settings;
    if (before.registry === settings.registry && before.exemplars === settings.exemplars) return;
    const leave = this.#leave;
    const isThereAlready =
      leave.length > 0 && settings.registry !== undefined && before.registry === settings.registry;
    if (!isThereAlready) {
      this.register(settings);
      for (const each of leave) each();
    }
    this.#settings = settings;
  }

  /** Leaves the registry to whoever else is in it. */
  close(): void {
    for (const leave of this.#leave) leave();
    this.#leave = [];
  }

  private register({ registry, exemplars }: MetricsSettings): void {
    // Exemplars are in OpenMetrics' format alone. The application's registry has the format it has.
    const joined = (registry as Registry | undefined) ?? (exemplars ? openMetricsRegistry() : new Registry());
    const leave: (() => void)[] = [];
    try {
      for (const family of this.#families) leave.push(registerFamily(joined, family));
    } catch (error) {
      for (const each of leave) each();
      throw error;
    }
    this.#registry = joined;
    this.#leave = leave;
  }
}

function openMetricsRegistry(): Registry {
  const registry = new Registry();
  // Its declaration knows one content type alone.
  (registry as Registry<OpenMetricsContentType | PrometheusContentType>).setContentType(
    Registry.OPENMETRICS_CONTENT_TYPE,
  );
  return registry;
}

/** Metrics of prom-client itself, shown again elsewhere. */
function familiesOf(registry: Registry): PrometheusFamilyDescription[] {
  return registry.getMetricsAsArray().map((metric) => {
    // Its declaration names only some of what it has.
    const { name, help, type, aggregator } = metric as unknown as Pick<
      PrometheusFamilyDescription,
      'name' | 'help' | 'type'
    > & { readonly aggregator: string };
    return {
      name,
      help,
      type,
      joined: aggregator === 'max' ? 'max' : 'sum',
      read: async (): Promise<PrometheusSample[]> => {
        const own = registry.getSingleMetric(name);
        return own === undefined ? [] : ((await own.get()).values as unknown as PrometheusSample[]);
      },
    };
  });
}
