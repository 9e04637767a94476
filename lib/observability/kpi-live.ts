import type { TelemetryBus } from '../telemetry/index.js';
import type { KpiRowDimension, KpiRowLabels } from './kpi-query.js';

interface LiveCount {
  readonly labels: KpiRowLabels;
  inFlight: number;
  queued: number;
}

const OF_DEPLOYMENTS: ReadonlySet<KpiRowDimension> = new Set<KpiRowDimension>([
  'deployment',
  'model',
  'provider',
]);
const OF_REQUESTS: ReadonlySet<KpiRowDimension> = new Set<KpiRowDimension>(['surface', 'workload']);

/** What is under way now: calls by deployment, requests by surface and workload. What is idle takes no memory. */
export class KpiLive {
  readonly #deployments = new Map<string, LiveCount>();
  readonly #requests = new Map<string, LiveCount>();
  /** Of each request under way, by its decision, where it was counted: by its end it may be known by other labels. */
  readonly #open = new Map<string, LiveCount>();

  constructor(bus: TelemetryBus) {
    bus.on('attempt-started', ({ deployment, model, provider }) => {
      change(this.#deployments, deployment, { deployment, model, provider }, 1);
    });
    bus.on('attempt-ended', ({ deployment, model, provider }) => {
      change(this.#deployments, deployment, { deployment, model, provider }, -1);
    });
    bus.on('queue-changed', ({ deployment, model, provider, queued }) => {
      change(this.#deployments, deployment, { deployment, model, provider }, 0, queued);
    });
    bus.on('request-started', ({ decisionId, surface, workload }) => {
      if (this.#open.has(decisionId)) return;
      const key = `${workload} ${surface}`;
      const count = this.#requests.get(key) ?? { labels: { surface, workload }, inFlight: 0, queued: 0 };
      count.inFlight += 1;
      this.#requests.set(key, count);
      this.#open.set(decisionId, count);
    });
    bus.on('request-ended', ({ decisionId }) => {
      const count = this.#open.get(decisionId);
      if (count === undefined) return;
      this.#open.delete(decisionId);
      count.inFlight -= 1;
      if (count.inFlight === 0) this.#requests.delete(`${count.labels.workload} ${count.labels.surface}`);
    });
  }

  /** Calls under way and requests that wait, by deployment. */
  deployments(): Iterable<Readonly<LiveCount>> {
    return this.#deployments.values();
  }

  /** Of all: requests under way, and those of them that wait. */
  total(): { readonly inFlight: number; readonly queueDepth: number } {
    return {
      inFlight: sum(this.#requests.values(), ({ inFlight }) => inFlight),
      queueDepth: sum(this.#deployments.values(), ({ queued }) => queued),
    };
  }

  /** Of one row; null: not known of rows by these dimensions. */
  row(
    by: readonly KpiRowDimension[],
    labels: KpiRowLabels,
  ): { readonly inFlight: number | null; readonly queueDepth: number | null } {
    const isOfRow = (count: LiveCount): boolean =>
      by.every((dimension) => count.labels[dimension] === labels[dimension]);
    if (by.every((dimension) => OF_DEPLOYMENTS.has(dimension))) {
      const counts = [...this.#deployments.values()].filter(isOfRow);
      return {
        inFlight: sum(counts, ({ inFlight }) => inFlight),
        queueDepth: sum(counts, ({ queued }) => queued),
      };
    }
    if (by.every((dimension) => OF_REQUESTS.has(dimension))) {
      const counts = [...this.#requests.values()].filter(isOfRow);
      return { inFlight: sum(counts, ({ inFlight }) => inFlight), queueDepth: null };
    }
    return { inFlight: null, queueDepth: null };
  }
}

function change(
  counts: Map<string, LiveCount>,
  key: string,
  labels: KpiRowLabels,
  byInFlight: number,
  queued?: number,
): void {
  const count = counts.get(key) ?? { labels, inFlight: 0, queued: 0 };
  count.inFlight = Math.max(0, count.inFlight + byInFlight);
  if (queued !== undefined) count.queued = queued;
  if (count.inFlight === 0 && count.queued === 0) counts.delete(key);
  else counts.set(key, count);
}

function sum(counts: Iterable<LiveCount>, of: (count: LiveCount) => number): number {
  let total = 0;
  for (const count of counts) total += of(count);
  return total;
}
