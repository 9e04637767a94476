import type { KpiCellKey } from './kpi-cell-key.js';
import { isPlace, KpiCell } from './kpi-cell.js';
import { LAST_BUCKET } from './kpi-histogram.js';

/**
 * All cells of a stretch of time that is over, packed: most counts and buckets take one byte each, where an object takes
 * hundreds. A day of them is what the memory of the KPIs goes to.
 */
export interface KpiSlice {
  readonly startMs: number;
  readonly endMs: number;
  readonly keys: readonly KpiCellKey[];
  readonly bytes: Uint8Array;
}

/** The bytes are not what was packed: a fault of ours. What it counted is lost. */
export class BadKpiSliceError extends Error {
  constructor(readonly slice: KpiSlice) {
    super('A slice of the KPIs could not be read, and was dropped.');
  }
}

/** A number in sevens of bits takes at most eight bytes. */
const LONGEST_NUMBER = 8;

class Writer {
  #bytes = new Uint8Array(16_384);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  start(): void {
    this.#length = 0;
  }

  /** A whole number of at least 0. */
  number(value: number): void {
    this.room(LONGEST_NUMBER);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  float(value: number): void {
    this.room(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  private room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

const writer = new Writer();

export function packSlice(startMs: number, endMs: number, cells: ReadonlyMap<KpiCellKey, KpiCell>): KpiSlice {
  writer.start();
  for (const cell of cells.values()) packCell(cell);
  return { startMs, endMs, keys: [...cells.keys()], bytes: writer.take() };
}

/** As it can be packed: anything but a count would make what follows it unreadable. */
function countable(count: number | undefined): number {
  return count !== undefined && count > 0 ? Math.min(Math.round(count), Number.MAX_SAFE_INTEGER) : 0;
}

function packCell({ counts, costUsd, histograms }: KpiCell): void {
  let used = 0;
  for (const count of counts) if (countable(count) > 0) used += 1;
  writer.number(used);
  for (let place = 0; place < counts.length; place += 1) {
    const count = countable(counts[place]);
    if (count === 0) continue;
    writer.number(place);
    writer.number(count);
  }
  writer.float(costUsd.value);
  for (const histogram of histograms) {
    let last = 0;
    histogram?.forEachBucket((bucket, count) => {
      writer.number(bucket - last);
      writer.number(count);
      last = bucket;
    });
    // No bucket counts nothing.
    writer.number(0);
    writer.number(0);
  }
}

/**
 * Adds every cell of a slice to the cell it belongs to.
 *
 * @throws {@link BadKpiSliceError} with part of it added.
 */
export function unpackSlice(slice: KpiSlice, cellOf: (key: KpiCellKey) => KpiCell): void {
  const { keys, bytes } = slice;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const number = (): number => {
    let byte = bytes[offset++] ?? 0;
    if (byte < 128) return byte;
    let value = byte - 128;
    let scale = 128;
    do {
      byte = bytes[offset++] ?? 0;
      value += (byte % 128) * scale;
      scale *= 128;
    } while (byte >= 128);
    return value;
  };
  for (const key of keys) {
    const cell = cellOf(key);
    for (let left = number(); left > 0; left -= 1) {
      const place = number();
      // Beyond the end all is 0: a number of counts that is none would go on and on.
      if (!isPlace(place) || offset >= bytes.length) throw new BadKpiSliceError(slice);
      cell.count(place, number());
    }
    if (offset + 8 > bytes.length) throw new BadKpiSliceError(slice);
    cell.costUsd.add(view.getFloat64(offset));
    offset += 8;
    for (let index = 0; index < cell.histograms.length; index += 1) {
      let bucket = 0;
      for (;;) {
        bucket += number();
        const count = number();
        if (count === 0) break;
        if (bucket > LAST_BUCKET) throw new BadKpiSliceError(slice);
        cell.histogram(index).addBucket(bucket, count);
      }
    }
  }
  if (offset !== bytes.length) throw new BadKpiSliceError(slice);
}
