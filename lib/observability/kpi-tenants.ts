import { OTHER } from './kpi-cell-key.js';

/** Tenants without a name here that are watched, whether one of them has more traffic by now. */
const CANDIDATES = 64;
/** A newcomer takes a name only with so many times the traffic of who has least, so that names do not flicker. */
const LEAD = 2;
const LEAST_LEAD = 10;
/** Traffic counts half after so many requests for each name: who was large last week is not for ever. */
const HALVED_AFTER = 10_000;

interface Candidate {
  count: number;
  /** Of the count, what may be another's: it took the place of one that had so much. */
  error: number;
}

/**
 * The tenants with most traffic, each by its name; all others are `other`. Whatever names are sent, no more than the limit
 * and 64 are kept (the space-saving algorithm: nobody with a share above 1/64 of the rest is overlooked).
 */
export class KpiTenants {
  readonly #named = new Map<string, number>();
  readonly #candidates = new Map<string, Candidate>();
  #sinceHalved = 0;
  /** At most what the least of the named has. */
  #least = 0;

  /** @param onDropped - A tenant has lost its name, and counts as `other` from now on. */
  constructor(
    private limit: number,
    private readonly onDropped: (tenant: string) => void,
  ) {}

  /** Under which name a tenant counts. */
  nameOf(tenant: string): string {
    if (this.#named.has(tenant)) return tenant;
    if (this.#named.size >= this.limit || tenant === OTHER) return OTHER;
    this.#named.set(tenant, 0);
    this.#least = 0;
    this.#candidates.delete(tenant);
    return tenant;
  }

  /** Counts a request, then as {@link nameOf}. */
  count(tenant: string): string {
    this.fade();
    const name = this.nameOf(tenant);
    const counted = this.#named.get(tenant);
    if (counted !== undefined) {
      this.#named.set(tenant, counted + 1);
      return name;
    }
    if (this.limit === 0 || tenant === OTHER) return OTHER;
    const { count, error } = this.countCandidate(tenant);
    if (count - error < this.#least * LEAD + LEAST_LEAD) return OTHER;
    const [least, traffic] = smallest(this.#named, (each) => each);
    this.#least = traffic;
    if (count - error < traffic * LEAD + LEAST_LEAD) return OTHER;
    this.#named.delete(least);
    this.#candidates.delete(tenant);
    this.#named.set(tenant, count - error);
    this.#candidates.set(least, { count: traffic, error: 0 });
    this.onDropped(least);
    return tenant;
  }

  follow(limit: number): void {
    this.limit = limit;
    while (this.#named.size > limit) {
      const [least] = smallest(this.#named, (each) => each);
      this.#named.delete(least);
      this.onDropped(least);
    }
  }

  private countCandidate(tenant: string): Candidate {
    let candidate = this.#candidates.get(tenant);
    if (candidate === undefined) {
      let error = 0;
      if (this.#candidates.size >= CANDIDATES) {
        const [least, { count }] = smallest(this.#candidates, (each) => each.count);
        this.#candidates.delete(least);
        error = count;
      }
      candidate = { count: error, error };
      this.#candidates.set(tenant, candidate);
    }
    candidate.count += 1;
    return candidate;
  }

  private fade(): void {
    this.#sinceHalved += 1;
    if (this.#sinceHalved < HALVED_AFTER * Math.max(1, this.limit)) return;
    this.#sinceHalved = 0;
    this.#least = 0;
    for (const [name, count] of this.#named) this.#named.set(name, count / 2);
    for (const candidate of this.#candidates.values()) {
      candidate.count /= 2;
      candidate.error /= 2;
    }
  }
}

function smallest<Value>(
  entries: ReadonlyMap<string, Value>,
  sizeOf: (value: Value) => number,
): [string, Value] {
  let found: [string, Value] | undefined;
  for (const entry of entries) if (found === undefined || sizeOf(entry[1]) < sizeOf(found[1])) found = entry;
  if (found === undefined) throw new Error('There is none.');
  return found;
}
