export interface BoundedMemoryOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly ttlMs: number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly bytes: number;
  readonly keptAtMs: number;
}

/** What an entry takes beside its value. */
const ENTRY_OVERHEAD_BYTES = 512;

/** A map that is bounded in entries, bytes and time; the least lately used goes first. */
export class BoundedMemory<Value> {
  /** In the order of use, the least lately used first. */
  readonly #entries = new Map<string, Entry<Value>>();
  #bytes = 0;

  constructor(private options: BoundedMemoryOptions) {}

  /** From now on within other bounds; what is over them goes. */
  resize(options: BoundedMemoryOptions): void {
    this.options = options;
    this.shrink();
  }

  /** Bytes held, as far as they are counted. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param valueBytes - What the value takes, about. One that is larger than all there may be is not kept. */
  set(key: string, value: Value, valueBytes: number, nowMs: number): void {
    // A string takes up to two bytes a character.
    const bytes = 2 * key.length + valueBytes + ENTRY_OVERHEAD_BYTES;
    this.delete(key);
    if (bytes > this.options.maxBytes) return;
    this.#entries.set(key, { value, bytes, keptAtMs: nowMs });
    this.#bytes += bytes;
    this.shrink();
  }

  get(key: string, nowMs: number): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.keptAtMs + this.options.ttlMs <= nowMs) {
      this.delete(key);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  private shrink(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.options.maxBytes && this.#entries.size <= this.options.maxEntries) break;
      this.delete(oldest);
    }
  }

  private delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
