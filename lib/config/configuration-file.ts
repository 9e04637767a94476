import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { directoriesOnTheWay } from './directories-on-the-way.js';
import { parseConfigurationText, readConfigurationText } from './load-configuration-file.js';

/**
 * How a configuration file is watched.
 *
 * @publicApi
 */
export interface ConfigurationFileWatchOptions {
  /** A change is read once the file's directory has been quiet for so long. @defaultValue 200 */
  readonly debounceMs?: number;
  /**
   * Looks at the file that often instead of being told by the system: for network and some container file systems, which
   * tell nothing.
   *
   * @defaultValue none; 2000 where the system cannot watch
   */
  readonly pollMs?: number;
}

/** Gives what the file holds. @throws {@link ConfigurationError} where that is no configuration. */
export type ReadConfiguration = () => Promise<Record<string, unknown>>;

const DEFAULT_DEBOUNCE_MS = 200;
const FALLBACK_POLL_MS = 2_000;
/** A directory in which something is always going on is not waited for longer. */
const MAX_DEBOUNCES = 10;

/** What the file holds at one moment. */
interface Content {
  /** The same for the same content, and for the same reason why there is none. */
  readonly fingerprint: string;
  readonly read: ReadConfiguration;
}

/**
 * A configuration file that may change. Watched are the directories on the way to it and not the file itself, which
 * editors and Kubernetes replace; what counts is its content alone.
 */
export class ConfigurationFile {
  readonly #debounceMs: number;
  readonly #pollMs: number | undefined;
  readonly #watchers = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  #seen: string | undefined;
  #onChange: ((read: ReadConfiguration) => Promise<void>) | undefined;
  #poll: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the first of the changes was that are waited out. */
  #restlessSince: number | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isLooking = false;
  #isClosed = false;

  /** @throws {@link ConfigurationError} for times that are none. */
  constructor(
    private readonly path: string,
    options: ConfigurationFileWatchOptions = {},
  ) {
    checkOptions(options);
    this.#debounceMs = options.debounceMs ?? DEFAULT_DEBOUNCE_MS;
    this.#pollMs = options.pollMs;
  }

  /** @throws as {@link ReadConfiguration}. */
  async load(): Promise<Record<string, unknown>> {
    const { fingerprint, read } = await this.content();
    this.#seen = fingerprint;
    return read();
  }

  /**
   * Tells of every content that is another than the one before, from the one that was loaded on. One at a time: a
   * further one waits until `onChange` has resolved.
   *
   * @param onChange - Must not reject.
   */
  async watch(onChange: (read: ReadConfiguration) => Promise<void>): Promise<void> {
    this.#onChange = onChange;
    if (this.#pollMs !== undefined) this.poll(this.#pollMs);
    await this.look();
  }

  /** Resolves when nothing is left open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    await this.#looking;
  }

  private async content(): Promise<Content> {
    try {
      const text = await readConfigurationText(this.path);
      return {
        fingerprint: createHash('sha256').update(text).digest('hex'),
        read: () => parseConfigurationText(text, this.path),
      };
    } catch (error) {
      const problem = error as ConfigurationError;
      return { fingerprint: problem.message, read: () => Promise.reject(problem) };
    }
  }

  private look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      this.#isLooking = true;
      await this.compare();
      this.#isLooking = false;
    });
    return this.#looking;
  }

  private async compare(): Promise<void> {
    this.#restlessSince = undefined;
    if (this.#isClosed) return;
    // First: what changes while the file is read must be told of.
    if (this.#pollMs === undefined) await this.place();
    const { fingerprint, read } = await this.content();
    if (this.isClosed() || fingerprint === this.#seen) return;
    this.#seen = fingerprint;
    await this.#onChange?.(read);
  }

  // A method, for the compiler takes a field for unchanged by what was awaited.
  private isClosed(): boolean {
    return this.#isClosed;
  }

  /** The watchers where they belong now. */
  private async place(): Promise<void> {
    const directories = await directoriesOnTheWay(this.path);
    if (this.isClosed()) return;
    for (const [directory, { identity, watcher }] of this.#watchers) {
      if (directories.get(directory) === identity) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const [directory, identity] of directories) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => {
          this.schedule();
        });
        watcher.on('error', () => {
          this.poll(FALLBACK_POLL_MS);
        });
        this.#watchers.set(directory, { identity, watcher });
      } catch {
        // No watchers left, or none on this file system.
        this.poll(FALLBACK_POLL_MS);
      }
    }
  }

  private poll(intervalMs: number): void {
    if (this.#isClosed) return;
    this.#poll ??= setInterval(() => {
      if (!this.#isLooking) void this.look();
    }, intervalMs).unref();
  }

  private schedule(): void {
    if (this.#isClosed) return;
    const nowMs = performance.now();
    this.#restlessSince ??= nowMs;
    if (this.#timer !== undefined && nowMs - this.#restlessSince > MAX_DEBOUNCES * this.#debounceMs) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.look();
    }, this.#debounceMs).unref();
  }
}

const MAX_TIMER_MS = 2_147_483_647;
const KEYS: readonly string[] = ['debounceMs', 'pollMs'] satisfies (keyof ConfigurationFileWatchOptions)[];

function checkOptions(options: ConfigurationFileWatchOptions): void {
  const issues = Object.entries(options).flatMap(([key, value]: [string, unknown]): ConfigurationIssue[] => {
    const path = `watch.${key}`;
    if (!KEYS.includes(key)) return [{ path, message: `unknown key: there are \`${KEYS.join('`, `')}\`` }];
    const isTime = Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TIMER_MS;
    if (value === undefined || isTime) return [];
    return [{ path, message: `must be a whole number from 1 to ${MAX_TIMER_MS}` }];
  });
  if (issues.length > 0) throw new ConfigurationError(issues);
}
