import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CLASSIFICATION_CLASS } from '../planning/index.js';
import type { AttemptRecord, RequestRecord, TelemetryBus } from '../telemetry/index.js';

export interface RequestLogSettings {
  readonly file: string;
  readonly maxBytes?: number | undefined;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** A line waits so long for others, ... */
const FLUSH_AFTER_MS = 1_000;
/** ... or until so many wait. */
const FLUSH_AT_LINES = 256;
/** A disk that does not keep up costs lines, not memory. */
const MAX_PENDING = 10_000;
/** Requests that have had an attempt and have not ended. */
const MAX_OPEN = 10_000;
/** Its owner writes, its group reads. */
const MODE = 0o640;

/** A line before it is written. */
interface Entry {
  readonly record: RequestRecord;
  readonly calls: readonly AttemptRecord[];
}

/**
 * What a line says of one call; what is said of its request already is left out. Of a call that was made to find out the
 * class, or to check the answer, that it was.
 */
function callOf(record: AttemptRecord): object {
  const { decisionId: _decisionId, surface: _surface, workload: _workload, ...rest } = record;
  const { requestClass, streamed: _streamed, ...call } = rest;
  return requestClass === CLASSIFICATION_CLASS ? { ...call, requestClass } : call;
}

/**
 * Writes what became of each request into a file, as one line of JSON: its record and those of its calls. In batches, after
 * the answer; a file that cannot be written is told of once and fails nobody. Memory is bounded.
 */
export class RequestLog {
  readonly #calls = new Map<string, AttemptRecord[]>();
  #settings: RequestLogSettings | undefined;
  #subscriptions: (() => void)[] = [];
  #pending: Entry[] = [];
  /** Handed over to be written. */
  #queued = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #writing: Promise<void> = Promise.resolve();
  /** Of the file as it is; undefined: nobody has looked yet. */
  #bytes: number | undefined;
  #isBroken = false;

  /** @param onProblem - For people. Told once, until something could be written again. */
  constructor(
    private readonly bus: TelemetryBus,
    private readonly onProblem: (problem: string) => void,
  ) {}

  /** Writes there from now on; undefined: nowhere. */
  follow(settings: RequestLogSettings | undefined): void {
    const isSame = settings?.file === this.#settings?.file && settings?.maxBytes === this.#settings?.maxBytes;
    if (isSame) return;
    // What has waited belongs where it was to go.
    this.flush();
    this.#settings = settings;
    this.#writing = this.#writing.then(() => {
      this.#bytes = undefined;
      this.#isBroken = false;
    });
    if (settings === undefined) this.unsubscribe();
    else if (this.#subscriptions.length === 0) this.subscribe();
  }

  /** Resolves when all has been written that can be. */
  async close(): Promise<void> {
    this.unsubscribe();
    this.flush();
    await this.#writing;
  }

  private subscribe(): void {
    this.#subscriptions = [
      this.bus.on('attempt-ended', (record) => {
        const calls = this.#calls.get(record.decisionId);
        if (calls !== undefined) {
          calls.push(record);
          return;
        }
        this.#calls.set(record.decisionId, [record]);
        if (this.#calls.size <= MAX_OPEN) return;
        // What ends after its request, a call that had lost for one, would stay for ever.
        const [oldest] = this.#calls.keys();
        if (oldest !== undefined) this.#calls.delete(oldest);
      }),
      this.bus.on('request-ended', (record) => {
        const calls = this.#calls.get(record.decisionId) ?? [];
        this.#calls.delete(record.decisionId);
        this.add({ record, calls });
      }),
    ];
  }

  private unsubscribe(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#calls.clear();
  }

  private add(entry: Entry): void {
    if (this.#pending.length + this.#queued >= MAX_PENDING) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(entry);
    if (this.#pending.length >= FLUSH_AT_LINES) {
      if (this.#isDue) return;
      this.#isDue = true;
      // Whoever waits for the answer comes first.
      setImmediate(() => {
        this.flush();
      });
    } else {
      this.#timer ??= setTimeout(() => {
        this.flush();
      }, FLUSH_AFTER_MS).unref();
    }
  }

  private flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    const settings = this.#settings;
    if (settings === undefined || this.#pending.length === 0) return;
    const entries = this.#pending;
    this.#pending = [];
    this.#queued += entries.length;
    this.#writing = this.#writing.then(async () => {
      await this.write(entries, settings);
      this.#queued -= entries.length;
    });
  }

  private async write(entries: readonly Entry[], settings: RequestLogSettings): Promise<void> {
    const { file, maxBytes = DEFAULT_MAX_BYTES } = settings;
    try {
      let bytes = (this.#bytes ??= await sizeOf(file));
      let batch = '';
      for (const { record, calls } of entries) {
        const line = `${JSON.stringify({ v: 1, ...record, calls: calls.map(callOf) })}\n`;
        const length = Buffer.byteLength(line);
        if (bytes > 0 && bytes + length > maxBytes) {
          await append(file, batch);
          batch = '';
          await rename(file, `${file}.1`);
          bytes = 0;
        }
        batch += line;
        bytes += length;
      }
      await append(file, batch);
      this.#bytes = bytes;
      this.#isBroken = false;
    } catch (error) {
      // What is there now is looked at again.
      this.#bytes = undefined;
      const { code } = error as NodeJS.ErrnoException;
      this.tell(`${file} cannot be written (${code ?? 'unknown error'}); requests go on without it`);
      return;
    }
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.onProblem(`${file} is written too slowly: ${dropped} requests are missing in it`);
    }
  }

  private tell(problem: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.onProblem(problem);
  }
}

async function append(file: string, text: string): Promise<void> {
  if (text !== '') await appendFile(file, text, { mode: MODE });
}

/** Makes its directory where there is none. */
async function sizeOf(file: string): Promise<number> {
  await mkdir(dirname(file), { recursive: true });
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
