import { appendFile, type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AttemptRecord, TelemetryBus } from '../telemetry/index.js';
import { lineOf, type LoggableRequest } from './request-log-line.js';
import type { PlannedRequest, RequestObserver } from './request-observer.js';

export interface RequestLogSettings {
  readonly file: string;
  readonly maxBytes?: number | undefined;
  readonly maxFiles?: number | undefined;
}

/** How the file stands. */
export interface RequestLogReport {
  /** False: the last time something was to be written, it could not be. */
  readonly isWritable: boolean;
  /** Requests written since the start. */
  readonly written: number;
  /** Requests that wait to be written. */
  readonly waiting: number;
  /** Requests that are missing in it, since the start. */
  readonly missing: number;
  /** Of these, requests of surfaces with `provenance`. */
  readonly missingProvenance: number;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_FILES = 1;
/** A line waits so long for others, ... */
const FLUSH_AFTER_MS = 1_000;
/** ... or until so many wait. */
const FLUSH_AT_LINES = 256;
/** Of requests that wait so many are kept with their plans, beside those that must not be missing. */
const MAX_UNWRITTEN_PLANS = 4 * FLUSH_AT_LINES;
/** A disk that does not keep up costs lines, not memory. */
const MAX_PENDING = 10_000;
/** Of requests that must not be missing so many wait beyond that, until the disk is well again. */
const MAX_RETAINED = 10_000;
/** What must not be missing is tried again after so long. */
const RETRY_AFTER_MS = 2_000;
/** Requests that have a plan and have not ended. */
const MAX_OPEN = 10_000;
/** A shutdown waits no longer. */
const CLOSE_TIMEOUT_MS = 5_000;
const NEWLINE = 0x0a;
/** Its owner writes, its group reads. */
const MODE = 0o640;

/** A request before it is written. */
interface Entry {
  /**
   * What its line is made of. Where the disk does not keep up the line itself, which has a third of a plan's size; that of a
   * surface with `provenance` says all of the plan and has several times its size.
   */
  readonly content: LoggableRequest | string;
  /** Its surface has `provenance`: it must not be missing. */
  readonly isProvenance: boolean;
}

/** A request that has not ended. */
interface Open {
  readonly calls: AttemptRecord[];
  planned: PlannedRequest | undefined;
  readonly escalations: PlannedRequest[];
}

/**
 * Writes what became of each request into a file, as one line of JSON: its record, those of its calls, and what was decided.
 * In batches, after the answer; a file that cannot be written is told of once and fails nobody. What of a surface with
 * `provenance` could not be written waits and is tried again, and where even that is too much it is counted and told of.
 * Memory is bounded.
 */
export class RequestLog implements RequestObserver {
  readonly #open = new Map<string, Open>();
  #settings: RequestLogSettings | undefined;
  #provenance: ReadonlySet<string> = new Set();
  #subscriptions: (() => void)[] = [];
  #pending: Entry[] = [];
  /** Handed over to be written. */
  #queued = 0;
  /** Missing in the file, and not told yet. */
  #dropped = 0;
  #droppedProvenance = 0;
  #written = 0;
  #missing = 0;
  #missingProvenance = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #writing: Promise<void> = Promise.resolve();
  #isBroken = false;
  /** That some are missing which must not be. */
  #isLossTold = false;
  /** The file cannot be put aside. */
  #isStuck = false;

  /** @param onProblem - For people. Told once, until something could be written again. */
  constructor(
    private readonly bus: TelemetryBus,
    private readonly onProblem: (problem: string) => void,
  ) {}

  /**
   * Writes there from now on; undefined: nowhere.
   *
   * @param provenance - The surfaces whose requests must not be missing.
   */
  follow(settings: RequestLogSettings | undefined, provenance: ReadonlySet<string> = new Set()): void {
    this.#provenance = provenance;
    const before = this.#settings;
    const isSame =
      settings?.file === before?.file &&
      settings?.maxBytes === before?.maxBytes &&
      settings?.maxFiles === before?.maxFiles;
    if (isSame) return;
    // What has waited belongs where it was to go.
    this.flush(true);
    this.#settings = settings;
    this.#writing = this.#writing.then(() => {
      if (before !== undefined) this.tellDropped(before.file);
      this.#isBroken = false;
      this.#isStuck = false;
    });
    if (settings === undefined) this.unsubscribe();
    else if (this.#subscriptions.length === 0) this.subscribe();
  }

  /** Undefined: none is written. */
  report(): RequestLogReport | undefined {
    if (this.#settings === undefined) return undefined;
    return {
      isWritable: !this.#isBroken,
      written: this.#written,
      waiting: this.#pending.length + this.#queued,
      missing: this.#missing,
      missingProvenance: this.#missingProvenance,
    };
  }

  onPlanned(planned: PlannedRequest): void {
    if (this.#subscriptions.length === 0) return;
    const open = this.openOf(planned.labels.decisionId);
    if (planned.isEscalation) open.escalations.push(planned);
    else open.planned = planned;
  }

  /** Resolves when all has been written that can be, or when that takes too long: a disk may hang for ever. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.unsubscribe();
    this.flush(true);
    const { file } = this.#settings ?? {};
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<true>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS, true);
    });
    const late = await Promise.race([this.#writing, isLate]);
    clearTimeout(timer);
    if (late === true) {
      const waiting = this.#pending.length + this.#queued;
      this.onProblem(`the last ${waiting} requests were not written within ${CLOSE_TIMEOUT_MS / 1_000} s`);
    } else if (file !== undefined) this.tellDropped(file);
  }

  private subscribe(): void {
    this.#subscriptions = [
      this.bus.on('attempt-ended', (record) => {
        this.openOf(record.decisionId).calls.push(record);
      }),
      this.bus.on('request-ended', (record) => {
        const { calls = [], planned, escalations = [] } = this.#open.get(record.decisionId) ?? {};
        this.#open.delete(record.decisionId);
        const isProvenance =
          this.#provenance.has(record.surface) || planned?.plan.surface.provenance === true;
        this.add({ record, calls, planned, escalations, isProvenance });
      }),
    ];
  }

  private openOf(decisionId: string): Open {
    const known = this.#open.get(decisionId);
    if (known !== undefined) return known;
    const opened: Open = { calls: [], planned: undefined, escalations: [] };
    this.#open.set(decisionId, opened);
    if (this.#open.size > MAX_OPEN) {
      // What ends after its request, a call that had lost for one, would stay for ever.
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    return opened;
  }

  private unsubscribe(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#open.clear();
  }

  private add(request: LoggableRequest): void {
    const { isProvenance } = request;
    const most = isProvenance ? MAX_PENDING + MAX_RETAINED : MAX_PENDING;
    const waiting = this.#pending.length + this.#queued;
    if (waiting >= most) {
      this.drop([request]);
      return;
    }
    const content = isProvenance || waiting < MAX_UNWRITTEN_PLANS ? request : lineOf(request);
    this.#pending.push({ content, isProvenance });
    if (this.#isBroken) {
      this.flushAfter(RETRY_AFTER_MS);
    } else if (this.#pending.length >= FLUSH_AT_LINES) {
      if (this.#isDue) return;
      this.#isDue = true;
      // Whoever waits for the answer comes first.
      setImmediate(() => {
        this.flush();
      });
    } else {
      this.flushAfter(FLUSH_AFTER_MS);
    }
  }

  private flushAfter(waitMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, waitMs).unref();
  }

  /** They will not be in the file. */
  private drop(entries: readonly Pick<Entry, 'isProvenance'>[]): void {
    const provenance = entries.filter(({ isProvenance }) => isProvenance).length;
    this.#dropped += entries.length;
    this.#droppedProvenance += provenance;
    this.#missing += entries.length;
    this.#missingProvenance += provenance;
    if (provenance === 0 || this.#isLossTold || this.#isClosed) return;
    // At once: how many there were is told when it can be written again.
    this.#isLossTold = true;
    this.onProblem(
      'requests of surfaces with `provenance` are lost from now on: too many wait to be written',
    );
  }

  /** What must not be missing is written later, as long as there is room for it. */
  private retain(entries: readonly Entry[]): void {
    const isOver = this.#isClosed || this.#settings === undefined;
    let room = isOver ? 0 : MAX_PENDING + MAX_RETAINED - this.#pending.length - this.#queued;
    const kept: Entry[] = [];
    const lost: Entry[] = [];
    for (const entry of entries) {
      const isKept = entry.isProvenance && room > 0;
      if (isKept) room -= 1;
      (isKept ? kept : lost).push(entry);
    }
    this.drop(lost);
    this.#pending = [...kept, ...this.#pending];
    if (this.#pending.length > 0) this.flushAfter(RETRY_AFTER_MS);
  }

  /** Hands over what waits; to a disk that failed the last time a few, to see whether it is well again. */
  private flush(isAll = !this.#isBroken): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    const settings = this.#settings;
    if (settings === undefined || this.#pending.length === 0) return;
    const entries = this.#pending.splice(0, isAll ? this.#pending.length : FLUSH_AT_LINES);
    this.#queued += entries.length;
    this.#writing = this.#writing.then(async () => {
      const unwritten = await this.write(entries, settings);
      this.#queued -= entries.length;
      this.#written += entries.length - unwritten.length;
      if (unwritten.length > 0) this.retain(unwritten);
      else if (this.#pending.length > 0) this.flushAfter(FLUSH_AFTER_MS);
    });
  }

  /** Gives what could not be written. */
  private async write(entries: readonly Entry[], settings: RequestLogSettings): Promise<readonly Entry[]> {
    const { file, maxBytes = DEFAULT_MAX_BYTES, maxFiles = DEFAULT_MAX_FILES } = settings;
    let written = 0;
    try {
      // Looked at each time: it may have been moved or cut by others (logrotate).
      let { bytes, batch } = await lookAt(file);
      let isPutAside = true;
      for (const [index, entry] of entries.entries()) {
        const line = typeof entry.content === 'string' ? entry.content : lineOf(entry.content);
        const length = Buffer.byteLength(line);
        if (bytes > 0 && bytes + length > maxBytes && isPutAside) {
          await append(file, batch);
          batch = '';
          written = index;
          isPutAside = await this.putAside(file, maxFiles);
          if (isPutAside) bytes = 0;
        }
        batch += line;
        bytes += length;
        if ((index + 1) % FLUSH_AT_LINES === 0) {
          // After an outage of the disk there may be many: others have their turn in between.
          await append(file, batch);
          batch = '';
          written = index + 1;
        }
      }
      await append(file, batch);
      this.#isBroken = false;
      this.#isLossTold = false;
    } catch (error) {
      const unwritten = entries.slice(written);
      const waits = unwritten.some(({ isProvenance }) => isProvenance)
        ? '; those of surfaces with `provenance` wait to be written'
        : '';
      this.tell(`${file} cannot be written (${codeOf(error)}); requests go on without it${waits}`);
      return unwritten;
    }
    this.tellDropped(file);
    return [];
  }

  /** Whether the next line begins a new file. Where not, the old one goes on: too large is better than not there. */
  private async putAside(file: string, maxFiles: number): Promise<boolean> {
    try {
      for (let number = maxFiles - 1; number > 0; number -= 1) {
        await renameIfThere(`${file}.${number}`, `${file}.${number + 1}`);
      }
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
    const provenance = this.#droppedProvenance;
    this.#dropped = 0;
    this.#droppedProvenance = 0;
    const ofThem = provenance === 0 ? '' : `, ${provenance} of them of surfaces with \`provenance\``;
    this.onProblem(
      `${file} could not be written, or not in time: ${dropped} requests are missing in it${ofThem}`,
    );
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

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
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
