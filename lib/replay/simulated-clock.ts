/** What is to happen; may be called off. */
export interface SimulatedTimer {
  cancel(): void;
}

class Entry implements SimulatedTimer {
  constructor(
    readonly atMs: number,
    /** Of two of one moment, the one that was set first comes first. */
    readonly sequence: number,
    public work: (() => void) | undefined,
  ) {}

  cancel(): void {
    this.work = undefined;
  }
}

function isBefore(first: Entry, second: Entry): boolean {
  return first.atMs < second.atMs || (first.atMs === second.atMs && first.sequence < second.sequence);
}

/** A clock that jumps from one event to the next. Events of one moment happen in the order they were set. */
export class SimulatedClock {
  /** A binary heap, the nearest at its top. */
  readonly #heap: Entry[] = [];
  #sequence = 0;
  #nowMs: number;

  /** @param startMs - Epoch milliseconds. */
  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** Epoch milliseconds. A function of its own, to be handed on. */
  readonly now = (): number => this.#nowMs;

  /** Whether anything is left to happen. */
  get isIdle(): boolean {
    return this.#heap.length === 0;
  }

  after(delayMs: number, work: () => void): SimulatedTimer {
    return this.at(this.#nowMs + Math.max(0, delayMs), work);
  }

  /** A moment that has passed is now. */
  at(atMs: number, work: () => void): SimulatedTimer {
    const entry = new Entry(Math.max(atMs, this.#nowMs), (this.#sequence += 1), work);
    this.push(entry);
    return entry;
  }

  /** Until nothing is left to happen. */
  run(): void {
    for (;;) {
      const entry = this.pop();
      if (entry === undefined) return;
      // What was called off takes no time.
      if (entry.work === undefined) continue;
      this.#nowMs = entry.atMs;
      entry.work();
    }
  }

  private push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  private pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return top;
  }
}
