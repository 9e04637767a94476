import { type KpiCellKey, textOf } from './kpi-cell-key.js';
import { KpiCell } from './kpi-cell.js';
import { type KpiSlice, packSlice, unpackSlice } from './kpi-slice.js';

/** Makes one slice of several, a part at a time. */
export class SliceJoin {
  /** By their names: a tenant that has lost its name has become one with others. */
  readonly #keys = new Map<string, KpiCellKey>();
  readonly #cells = new Map<KpiCellKey, KpiCell>();
  #joined = 0;

  constructor(
    private readonly startMs: number,
    private readonly endMs: number,
    readonly parts: readonly KpiSlice[],
  ) {}

  get isComplete(): boolean {
    return this.#joined >= this.parts.length;
  }

  step(): void {
    const part = this.parts[this.#joined];
    if (part === undefined) return;
    this.#joined += 1;
    unpackSlice(part, (given) => {
      const text = textOf(given);
      const key = this.#keys.get(text) ?? given;
      this.#keys.set(text, key);
      let cell = this.#cells.get(key);
      if (cell === undefined) {
        cell = new KpiCell();
        this.#cells.set(key, cell);
      }
      return cell;
    });
  }

  take(): KpiSlice {
    return packSlice(this.startMs, this.endMs, this.#cells);
  }
}
