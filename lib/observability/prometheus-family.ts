import type { Metric, Registry } from 'prom-client';

/** One line of what is shown. */
export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of histograms: which of their three names. Absent: the family's own. */
  readonly metricName?: string;
  readonly exemplar?: {
    readonly labelSet: Readonly<Record<string, string>>;
    readonly value: number;
    /** Seconds since the epoch. */
    readonly timestamp: number;
  };
}

export interface PrometheusFamilyDescription {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What becomes of lines with the same labels, of several routers in one registry. @defaultValue 'sum' */
  readonly joined?: 'sum' | 'max';
  readonly read: () => Iterable<PrometheusSample> | Promise<Iterable<PrometheusSample>>;
}

/** Known by it also across two copies of the package. */
const FAMILY = Symbol.for('nestjs-llm-router.prometheus-family');

/**
 * A metric of prom-client whose values are read when somebody asks: nothing is counted twice, and counting costs a request
 * nothing. Several routers of one process share it.
 */
export class PrometheusFamily {
  readonly [FAMILY] = true;
  readonly help: string;
  readonly type: PrometheusFamilyDescription['type'];
  /** For worker processes, whose values prom-client's `AggregatorRegistry` joins in the same way. */
  readonly aggregator: 'sum' | 'max';
  /** A registry in OpenMetrics' format takes `_total` off and puts it on again. */
  name: string;
  readonly #readers = new Set<PrometheusFamilyDescription['read']>();

  constructor({ name, help, type, joined = 'sum' }: PrometheusFamilyDescription) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.aggregator = joined;
  }

  add(read: PrometheusFamilyDescription['read']): void {
    this.#readers.add(read);
  }

  /** @returns False: nobody is left. */
  remove(read: PrometheusFamilyDescription['read']): boolean {
    this.#readers.delete(read);
    return this.#readers.size > 0;
  }

  async get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly aggregator: string;
    readonly values: readonly PrometheusSample[];
  }> {
    const [first, ...others] = await Promise.all([...this.#readers].map(async (read) => [...(await read())]));
    const values = others.length === 0 ? (first ?? []) : this.join([...(first ?? []), ...others.flat()]);
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values };
  }

  /** What the router has counted is not prom-client's to forget. */
  reset(): void {
    // Nothing.
  }

  private join(samples: readonly PrometheusSample[]): PrometheusSample[] {
    const joined = new Map<string, PrometheusSample>();
    for (const sample of samples) {
      const key = JSON.stringify([sample.metricName, sample.labels]);
      const known = joined.get(key);
      const value =
        this.aggregator === 'max'
          ? Math.max(sample.value, known?.value ?? sample.value)
          : sample.value + (known?.value ?? 0);
      joined.set(key, { ...known, ...sample, value });
    }
    return [...joined.values()];
  }
}

/**
 * Puts a family into a registry, or joins the one that another router has put there.
 *
 * @returns What takes it out again.
 * @throws Error where the application has a metric of that name.
 */
export function registerFamily(registry: Registry, description: PrometheusFamilyDescription): () => void {
  const { name, read } = description;
  const known: unknown = registry.getSingleMetric(name);
  let family: PrometheusFamily;
  if (known === undefined) {
    family = new PrometheusFamily(description);
    registry.registerMetric(family as unknown as Metric);
  } else if (isFamily(known)) {
    family = known;
  } else {
    throw new Error(
      `The registry of observability.metrics.registry has a metric ${name} that is not the router's.`,
    );
  }
  family.add(read);
  return () => {
    if (!family.remove(read) && (registry.getSingleMetric(name) as unknown) === family) {
      registry.removeSingleMetric(name);
    }
  };
}

function isFamily(metric: unknown): metric is PrometheusFamily {
  return typeof metric === 'object' && metric !== null && FAMILY in metric;
}
