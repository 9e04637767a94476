import { appendFile, type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
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
/** A shutdown waits no longer. */
const CLOSE_TIMEOUT_MS = 5_000;
const NEWLINE = 0x0a;
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
  #isBroken = false;
  /** The file cannot be put aside. */
  #isStuck = false;

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
    const before = this.#settings;
    this.#settings = settings;
    this.#writing = this.#writing.then(() => {
      if (before !== undefined) this.tellDropped(before.file);
      this.#isBroken = false;
      this.#isStuck = false;
    });
    if (settings === undefined) this.unsubscribe();
    else if (this.#subscriptions.length === 0) this.subscribe();
  }

  /** Resolves when all has been written that can be, or when that takes too long: a disk may hang for ever. */
  async close(): Promise<void> {
    this.unsubscribe();
    this.flush();
    const { file } = this.#settings ?? {};
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<true>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS, true);
    });
    const late = await Promise.race([this.#writing, isLate]);
    clearTimeout(timer);
    if (late === true) {
      this.onProblem(`the last requests were not written within ${CLOSE_TIMEOUT_MS / 1_000} s`);
    } else if (file !== undefined) this.tellDropped(file);
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
    let written = 0;
    try {
      // Looked at each time: it may have been moved or cut by others (logrotate).
      let { bytes, batch } = await lookAt(file);
      let isPutAside = true;
      for (const [index, { record, calls }] of entries.entries()) {
        const line = `${JSON.stringify({ v: 1, ...record, calls: calls.map(callOf) })}\n`;
        const length = Buffer.byteLength(line);
        if (bytes > 0 && bytes + length > maxBytes && isPutAside) {
          await append(file, batch);
          batch = '';
          written = index;
          isPutAside = await this.putAside(file);
          if (isPutAside) bytes = 0;
        }
        batch += line;
        bytes += length;
      }
      await append(file, batch);
      this.#isBroken = false;
    } catch (error) {
      this.#dropped += entries.length - written;
      this.tell(`${file} cannot be written (${codeOf(error)}); requests go on without it`);
      return;
    }
    this.tellDropped(file);
  }

  /** Whether the next line begins a new file. Where not, the old one goes on: too large is better than not there. */
  private async putAside(file: string): Promise<boolean> {
    try {
      await rename(file, `${file}.1`);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        if (!this.#isStuck) {
          this.onProblem(`${file} cannot be put aside (${codeOf(error)}); it grows beyond its limit`);
        }
        this.#isStuck = true;
        return false;
      }
      // Somebody else has put it aside.
    }
    this.#isStuck = false;
    return true;
  }

  private tellDropped(file: string): void {
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.onProblem(`${file} could not be written, or not in time: ${dropped} requests are missing in it`);
  }

  private tell(problem: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.onProblem(problem);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

async function append(file: string, text: string): Promise<void> {
  if (text !== '') await appendFile(file, text, { mode: MODE });
}

/** Its size, and with what the next batch begins. Makes its directory where there is none. */
async function lookAt(file: string): Promise<{ bytes: number; batch: string }> {
  try {
    const stats = await stat(file);
    // What has no end, a pipe say, has none to look at.
    if (!stats.isFile() || stats.size === 0) return { bytes: 0, batch: '' };
    const isWhole = await endsWithNewline(file, stats.size);
    return isWhole ? { bytes: stats.size, batch: '' } : { bytes: stats.size + 1, batch: '\n' };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(dirname(file), { recursive: true });
    return { bytes: 0, batch: '' };
  }
}

/** A full disk, or an end without warning, leaves half a line: no other is to be glued to it. */
async function endsWithNewline(file: string, size: number): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return bytesRead === 0 || buffer[0] === NEWLINE;
  } catch {
    // Whoever may write need not be allowed to read.
    return true;
  } finally {
    await handle?.close();
  }
}
