import type { KpiCellKey } from './kpi-cell-key.js';
import { KpiCell } from './kpi-cell.js';
import { BadKpiSliceError, type KpiSlice, packSlice, unpackSlice } from './kpi-slice.js';
import { SliceJoin } from './kpi-slice-join.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Slices by their age: ten seconds long for five minutes, a minute for an hour, a quarter of an hour for a day. */
export const KPI_LEVELS = [
  { sliceMs: 10_000, keptMs: 5 * MINUTE_MS },
  { sliceMs: MINUTE_MS, keptMs: HOUR_MS },
  { sliceMs: 15 * MINUTE_MS, keptMs: 24 * HOUR_MS },
] as const;
const [FINE] = KPI_LEVELS;
const OLDEST_MS = Math.max(...KPI_LEVELS.map(({ keptMs }) => keptMs));

/** Beyond it the oldest slices are joined: what is lost then is how the day went, not what it summed up to. */
const DEFAULT_MAX_BYTES = 24 * 1024 * 1024;
/** A clock set back by less goes on in the slice there is. */
const SMALL_STEP_BACK_MS = MINUTE_MS;

/** A stretch of time and how to add its cells to others. */
export interface KpiStretch {
  readonly startMs: number;
  readonly endMs: number;
  /** How much there is to add. */
  readonly cells: number;
  addTo(cellOf: (key: KpiCellKey) => KpiCell): void;
}

/**
 * What happened in the last 24 hours, by slices of time that grow coarser with age. Slices without traffic do not exist.
 * Time comes from whoever records or reads.
 */
export class KpiTimeline {
  readonly #levels: KpiSlice[][] = KPI_LEVELS.map(() => []);
  /** Under way, by the level that they take from. */
  readonly #joins: (SliceJoin | undefined)[] = [];
  #open = new Map<KpiCellKey, KpiCell>();
  #openStartMs = Number.NEGATIVE_INFINITY;
  #openNumber = 0;
  #bytes = 0;

  constructor(
    private readonly maxBytes = DEFAULT_MAX_BYTES,
    private readonly onLost: (error: BadKpiSliceError) => void = () => undefined,
  ) {}

  /** The cell of now; not to be kept beyond the record that it is for. */
  cell(key: KpiCellKey, nowMs: number): KpiCell {
    this.turnTo(nowMs);
    let cell = this.#open.get(key);
    if (cell === undefined) {
      cell = new KpiCell();
      this.#open.set(key, cell);
    }
    return cell;
  }

  /** Of the slice that counts now; another slice has another number. What is of an older one cannot be changed any more. */
  get openNumber(): number {
    return this.#openNumber;
  }

  /**
   * All that reaches beyond a time, the oldest first. A slice that cannot be read is dropped, and whoever adds it up gets
   * the {@link BadKpiSliceError}: it has to begin anew.
   */
  *since(fromMs: number, nowMs: number): Generator<KpiStretch, void, undefined> {
    this.turnTo(nowMs);
    for (const level of this.#levels.toReversed()) {
      for (const slice of level) {
        if (slice.endMs <= fromMs) continue;
        yield {
          startMs: slice.startMs,
          endMs: slice.endMs,
          cells: slice.keys.length,
          addTo: (cellOf) => {
            try {
              unpackSlice(slice, cellOf);
            } catch (error) {
              this.lose(error);
              throw error;
            }
          },
        };
      }
    }
    const open = this.#open;
    if (open.size === 0) return;
    yield {
      startMs: this.#openStartMs,
      endMs: this.#openStartMs + FINE.sliceMs,
      cells: open.size,
      addTo: (cellOf) => {
        for (const [key, cell] of open) cellOf(key).merge(cell);
      },
    };
  }

  /** Of what is packed. */
  get bytes(): number {
    return this.#bytes;
  }

  get slices(): number {
    return this.#levels.reduce((sum, level) => sum + level.length, 0);
  }

  private turnTo(nowMs: number): void {
    const startMs = Math.floor(nowMs / FINE.sliceMs) * FINE.sliceMs;
    if (startMs === this.#openStartMs) return;
    if (startMs < this.#openStartMs) {
      if (startMs >= this.#openStartMs - SMALL_STEP_BACK_MS) return;
      this.forget();
    }
    if (this.#open.size > 0) {
      this.keep(0, packSlice(this.#openStartMs, this.#openStartMs + FINE.sliceMs, this.#open));
      this.#open = new Map();
    }
    this.#openNumber += 1;
    this.#openStartMs = startMs;
    this.age(nowMs);
  }

  private age(nowMs: number): void {
    for (const [index, { keptMs }] of KPI_LEVELS.entries()) {
      // After a long silence also what is too old to be joined.
      this.drop(index, nowMs - OLDEST_MS);
      const coarser = KPI_LEVELS[index + 1];
      if (coarser !== undefined) this.join(index, coarser.sliceMs, nowMs - keptMs);
    }
    while (this.#bytes > this.maxBytes && this.joinClosest());
  }

  /**
   * Slices of a level that are old become one of the next, once all that it will be made of is old. One of them at a time:
   * this is done in the way of a record, and a quarter of an hour at once would hold up whoever waits for the event loop.
   */
  private join(level: number, coarseMs: number, untilMs: number): void {
    const slices = this.#levels[level] ?? [];
    const join = this.#joins[level] ?? beginJoin(slices, coarseMs, untilMs);
    this.#joins[level] = join;
    if (join === undefined) return;
    try {
      join.step();
    } catch (error) {
      this.lose(error);
      return;
    }
    if (!join.isComplete) return;
    this.#joins[level] = undefined;
    this.release(slices.splice(0, join.parts.length));
    this.keep(level + 1, join.take());
  }

  private drop(level: number, untilMs: number): void {
    const slices = this.#levels[level] ?? [];
    const first = slices.findIndex((slice) => slice.endMs > untilMs);
    if (first === 0) return;
    this.release(slices.splice(0, first === -1 ? slices.length : first));
    this.#joins[level] = undefined;
  }

  /** Of the coarsest, the two neighbours that are shortest together, the older ones before the younger. */
  private joinClosest(): boolean {
    const slices = this.#levels.at(-1) ?? [];
    let best: number | undefined;
    let shortestMs = Number.POSITIVE_INFINITY;
    for (let index = 0; index + 1 < slices.length; index += 1) {
      const lengthMs = (slices[index + 1]?.endMs ?? 0) - (slices[index]?.startMs ?? 0);
      if (lengthMs >= shortestMs) continue;
      best = index;
      shortestMs = lengthMs;
    }
    if (best === undefined) return false;
    const parts = slices.slice(best, best + 2);
    const join = new SliceJoin(parts[0]?.startMs ?? 0, parts[1]?.endMs ?? 0, parts);
    try {
      while (!join.isComplete) join.step();
    } catch (error) {
      this.lose(error);
      return true;
    }
    this.release(parts);
    const slice = join.take();
    slices.splice(best, 2, slice);
    this.#bytes += slice.bytes.length;
    return true;
  }

  private keep(level: number, slice: KpiSlice): void {
    this.#levels[level]?.push(slice);
    this.#bytes += slice.bytes.length;
  }

  private release(slices: readonly KpiSlice[]): void {
    for (const { bytes } of slices) this.#bytes -= bytes.length;
  }

  /** One that cannot be read would be in the way of every question, and of what is joined after it, for ever. */
  private lose(error: unknown): void {
    if (!(error instanceof BadKpiSliceError)) throw error;
    for (const [index, slices] of this.#levels.entries()) {
      const place = slices.indexOf(error.slice);
      if (place === -1) continue;
      this.release(slices.splice(place, 1));
      // It holds the part, and perhaps half of what that was.
      this.#joins[index] = undefined;
      this.onLost(error);
    }
  }

  private forget(): void {
    for (const level of this.#levels) level.length = 0;
    this.#joins.length = 0;
    this.#bytes = 0;
    this.#open = new Map();
  }
}

/** The slices that will be the oldest of the next level. Undefined: not all of them are old enough, or there are none. */
function beginJoin(slices: readonly KpiSlice[], coarseMs: number, untilMs: number): SliceJoin | undefined {
  const [oldest] = slices;
  if (oldest === undefined) return undefined;
  const startMs = Math.floor(oldest.startMs / coarseMs) * coarseMs;
  const endMs = startMs + coarseMs;
  if (endMs > untilMs) return undefined;
  const beyond = slices.findIndex((slice) => slice.startMs >= endMs);
  return new SliceJoin(startMs, endMs, slices.slice(0, beyond === -1 ? slices.length : beyond));
}
