import { type KpiCellKey, NONE, OTHER, textOf } from './kpi-cell-key.js';
import { KPI_TIMES, KpiCell, type KpiTime, TIME_INDEX } from './kpi-cell.js';
import { LeBuckets } from './kpi-le-buckets.js';

/**
 * Beyond so many, a new combination counts without its tenant, and if that is new too, without its class. What is left
 * comes from the configuration alone.
 */
const MAX_CELLS = 2_048;

/** What one combination of names has counted since the start. */
export class LifetimeCell extends KpiCell {
  readonly #buckets: (LeBuckets | undefined)[] = KPI_TIMES.map(() => undefined);

  constructor(readonly key: KpiCellKey) {
    super();
  }

  /** The time in the buckets that Prometheus shows. `traceId`: of an example for it. */
  observe(time: KpiTime, ms: number, traceId: string | undefined, nowMs: number): void {
    this.bucketsFor(TIME_INDEX[time]).observe(ms, traceId, nowMs);
  }

  buckets(time: KpiTime): LeBuckets | undefined {
    return this.#buckets[TIME_INDEX[time]];
  }

  absorb(other: LifetimeCell): void {
    this.merge(other);
    for (const index of KPI_TIMES.keys()) this.mergeBuckets(other, index);
  }

  /** What a scrape shows: times in their buckets, and not their percentiles. */
  absorbForScrape(other: LifetimeCell, times: readonly KpiTime[]): void {
    this.mergeCounts(other);
    for (const time of times) this.mergeBuckets(other, TIME_INDEX[time]);
  }

  private mergeBuckets(other: LifetimeCell, index: number): void {
    const buckets = other.#buckets[index];
    if (buckets !== undefined) this.bucketsFor(index).merge(buckets);
  }

  private bucketsFor(index: number): LeBuckets {
    let buckets = this.#buckets[index];
    if (buckets === undefined) {
      buckets = new LeBuckets(KPI_TIMES[index] === 'timePerOutputToken' ? 'token' : 'answer');
      this.#buckets[index] = buckets;
    }
    return buckets;
  }
}

/** All combinations of names that have had traffic. Their keys are those of the slices too. */
export class KpiLifetime {
  readonly #cells = new Map<string, LifetimeCell>();

  constructor(private readonly maxCells = MAX_CELLS) {}

  cell(key: KpiCellKey): LifetimeCell {
    const known = this.#cells.get(textOf(key));
    if (known !== undefined) return known;
    if (this.#cells.size >= this.maxCells) {
      if (key.tenant !== OTHER && key.tenant !== NONE) return this.cell({ ...key, tenant: OTHER });
      if (key.class !== OTHER) return this.cell({ ...key, class: OTHER });
    }
    const cell = new LifetimeCell(key);
    this.#cells.set(textOf(key), cell);
    return cell;
  }

  /** The tenant's counts go over to those of all others. */
  dropTenant(tenant: string): void {
    for (const [text, cell] of [...this.#cells]) {
      if (cell.key.tenant !== tenant) continue;
      this.#cells.delete(text);
      cell.key.tenant = OTHER;
      const others = this.#cells.get(textOf(cell.key));
      if (others === undefined) this.#cells.set(textOf(cell.key), cell);
      else others.absorb(cell);
    }
  }

  values(): IterableIterator<LifetimeCell> {
    return this.#cells.values();
  }

  get size(): number {
    return this.#cells.size;
  }
}
