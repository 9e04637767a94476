import type { Outcome, TelemetryBus } from '../telemetry/index.js';
import { CompensatedSum } from './compensated-sum.js';
import { NONE, OTHER } from './kpi-cell-key.js';

export interface TenantTotal {
  readonly tenant: string;
  readonly requests: ReadonlyMap<Outcome, number>;
  readonly costUsd: number;
}

class Total {
  readonly requests = new Map<Outcome, number>();
  readonly costUsd = new CompensatedSum();
}

/**
 * What each tenant of the configuration has had since the start; all others are `other`. Names that clients send do not
 * get in, and a name that has counted once stays, so that no counter goes down: neither when another tenant has more
 * traffic, nor when the configuration drops it.
 */
export class KpiTenantTotals {
  readonly #totals = new Map<string, Total>();
  #configured: ReadonlySet<string> = new Set();

  constructor(bus: TelemetryBus) {
    bus.on('attempt-ended', ({ tenant, costUsd }) => {
      this.of(tenant).costUsd.add(costUsd);
    });
    bus.on('request-ended', ({ tenant, outcome }) => {
      const { requests } = this.of(tenant);
      requests.set(outcome, (requests.get(outcome) ?? 0) + 1);
    });
  }

  /** Another configuration is in force. */
  follow(configured: ReadonlySet<string>): void {
    this.#configured = configured;
  }

  *values(): Generator<TenantTotal, void, undefined> {
    for (const [tenant, { requests, costUsd }] of this.#totals) {
      yield { tenant, requests, costUsd: costUsd.value };
    }
  }

  private of(tenant: string | undefined): Total {
    const name = tenant === undefined ? NONE : this.#configured.has(tenant) ? tenant : OTHER;
    let total = this.#totals.get(name);
    if (total === undefined) {
      total = new Total();
      this.#totals.set(name, total);
    }
    return total;
  }
}
