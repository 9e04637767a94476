import { type ConfiguredKeys, keysIn } from '../config/index.js';
import { ProviderError } from '../errors/provider-error.js';
import type { KeyHealth } from './key-health.js';
import { type KeyChange, type KeyLease, KeyRing, type NoUsableKey } from './key-ring.js';
import { readRateLimits } from './rate-limit-headers.js';
import { untilAborted } from './until-aborted.js';

/** A callback is asked again no sooner, as long as some key is usable. */
export const KEYS_AGE_MS = 60_000;
/** The same, while none is. */
export const STARVED_AGE_MS = 1_000;
/** A callback that takes longer is given up, and its answer dropped. */
const CALLBACK_TIMEOUT_MS = 10_000;
/** A call that has a usable key waits for a newer answer no longer than this. */
const STALE_WAIT_MS = 250;
/** A call whose keys are all refused, or whose key has just been, waits this long for a new one. */
const STARVED_WAIT_MS = 1_000;

export interface ProviderKeysOptions {
  readonly source: ConfiguredKeys;
  readonly onChange?: ((change: KeyChange) => void) | undefined;
  /** @defaultValue Date.now */
  readonly nowMs?: (() => number) | undefined;
  /** @defaultValue 10,000 */
  readonly callbackTimeoutMs?: number | undefined;
}

/**
 * The keys of one provider, from the configuration or from a callback. The callback is asked by the calls themselves:
 * at the first, then once a minute, and at once after a key was refused; never twice at a time. One that throws, hangs
 * or gives no keys leaves those in use that were there. What it throws is dropped: it may quote a key.
 */
export class ProviderKeys {
  readonly #ring: KeyRing;
  readonly #nowMs: () => number;
  /** The question under way, which all calls wait for together. Never rejects. */
  #asking: Promise<void> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: ProviderKeysOptions) {
    const { source, onChange, nowMs = Date.now } = options;
    this.#nowMs = nowMs;
    this.#ring = new KeyRing({ nowMs, onChange });
    if (source.from === 'list') this.#ring.setKeys(source.keys);
  }

  /**
   * Lends a key for one call; give it back by {@link release}.
   *
   * @throws {@link ProviderError} with code `no_key` (the callback has given none yet) or `no_usable_key` (all are
   * refused: nothing was sent), or the signal's reason.
   */
  async take(signal: AbortSignal): Promise<KeyLease> {
    return this.lend(() => this.#ring.take(), signal);
  }

  /**
   * The same for a call that proves nothing of its key, and goes out where all are refused.
   *
   * @throws {@link ProviderError} with code `no_key`, or the signal's reason.
   */
  async takeForProbe(signal: AbortSignal): Promise<KeyLease> {
    return this.lend(() => this.#ring.takeForProbe(), signal);
  }

  release(lease: KeyLease): void {
    this.#ring.release(lease);
  }

  accepted(lease: KeyLease): void {
    this.#ring.accepted(lease);
  }

  /** @returns How long nothing is left of these limits, in milliseconds; 0: there is, or another key has. */
  noteLimits(lease: KeyLease, headers: Readonly<Record<string, string>>): number {
    const windows = readRateLimits(headers, Date.now());
    this.#ring.noteLimits(lease, windows);
    return this.#ring.exhaustedForMs(lease, windows);
  }

  /** The key was refused, whatever else there is to be read of the answer. */
  refused(lease: KeyLease): void {
    this.#ring.failed(lease, 'authentication', undefined);
  }

  /**
   * Takes note of a call's failure, and has a callback asked where the key is to blame for it.
   *
   * @returns The same failure, marked where another key is usable now. Never rejects.
   */
  async failed(lease: KeyLease, error: ProviderError, signal: AbortSignal): Promise<ProviderError> {
    const { kind, retryAfterMs } = error;
    if (!this.#ring.failed(lease, kind, retryAfterMs)) return error;
    const { source } = this.options;
    if (source.from === 'callback' && (kind === 'authentication' || kind === 'billing')) {
      const isReady = this.#ring.hasOther(lease);
      const asking = this.ask(source.ask);
      if (!isReady) await within(asking, STARVED_WAIT_MS, signal).catch(() => undefined);
    }
    return this.#ring.hasOther(lease) ? error.withOtherKeyReady() : error;
  }

  /** What is left of the best key's limits, 0 to 1; undefined: unknown. */
  headroom(): number | undefined {
    return this.#ring.headroom();
  }

  health(): KeyHealth {
    return this.#ring.health();
  }

  readSecrets(): readonly string[] {
    return this.#ring.readSecrets();
  }

  private async lend(take: () => KeyLease | NoUsableKey, signal: AbortSignal): Promise<KeyLease> {
    const { source } = this.options;
    if (source.from === 'callback') await this.refresh(source.ask, signal);
    signal.throwIfAborted();
    const taken = take();
    if (taken.key !== undefined) return taken;
    const { kind, retryAfterMs } = taken;
    throw retryAfterMs === undefined
      ? new ProviderError({ kind, providerCode: 'no_key' })
      : new ProviderError({ kind, providerCode: 'no_usable_key', retryAfterMs });
  }

  /** Waits for a newer answer of the callback, where one is due, as long as that is worth it. */
  private async refresh(ask: () => unknown, signal: AbortSignal): Promise<void> {
    const isStarved = this.#ring.usable === 0;
    const ageMs = this.#nowMs() - this.#askedAtMs;
    if (ageMs >= (isStarved ? STARVED_AGE_MS : KEYS_AGE_MS)) void this.ask(ask);
    if (this.#asking === undefined) return;
    const waitMs = isStarved ? STARVED_WAIT_MS : STALE_WAIT_MS;
    const longestMs = this.#ring.total === 0 ? this.callbackTimeoutMs : waitMs;
    // Whoever comes later waits no longer than the first.
    const leftMs = longestMs - (this.#nowMs() - this.#askedAtMs);
    if (leftMs > 0) await within(this.#asking, leftMs, signal);
  }

  private ask(ask: () => unknown): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    this.#askedAtMs = this.#nowMs();
    const asking = this.takeOver(ask).finally(() => {
      this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  private async takeOver(ask: () => unknown): Promise<void> {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort();
    }, this.callbackTimeoutMs).unref();
    try {
      const keys = keysIn(await untilAborted(Promise.resolve(ask()), controller.signal));
      if (keys !== undefined) this.#ring.setKeys(keys);
    } catch {
      // The keys that are there stay in use.
    } finally {
      clearTimeout(timer);
    }
  }

  private get callbackTimeoutMs(): number {
    return this.options.callbackTimeoutMs ?? CALLBACK_TIMEOUT_MS;
  }
}

/** Waits for the work, but not longer than this. @throws The signal's reason. */
async function within(work: Promise<void>, waitMs: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs);
  });
  try {
    await untilAborted(Promise.race([work, timeIsUp]), signal);
  } finally {
    clearTimeout(timer);
  }
}
