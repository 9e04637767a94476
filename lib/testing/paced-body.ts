import { type Exchange, isGone, wait, writeOn, writeOut } from './exchange.js';
import type { UpstreamRequestFault } from './upstream-fault.interface.js';

/** A body that a fault may slow down, or end after so many bytes. */
export class PacedBody {
  readonly #everyMs: number;
  readonly #bytesAtOnce: number;
  readonly #isWatched: boolean;
  #bytesLeft: number;

  /** @param length - of the whole body, in bytes */
  constructor(
    private readonly exchange: Exchange,
    fault: UpstreamRequestFault | undefined,
    length: number,
    isStream: boolean,
  ) {
    const atOnce = fault?.kind === 'drip' ? (fault.bytes ?? (isStream ? undefined : 1)) : undefined;
    this.#everyMs = fault?.kind === 'drip' && atOnce !== undefined ? fault.everyMs : 0;
    this.#bytesAtOnce = Math.max(atOnce ?? Infinity, 1);
    const most = fault?.kind === 'cut' ? fault.afterBytes : undefined;
    this.#bytesLeft = most === undefined ? Infinity : Math.max(Math.min(most, length - 1), 0);
    this.#isWatched = fault !== undefined;
  }

  /** @returns whether more may come: false once the client has gone or the body has had its bytes. */
  async write(data: string | Buffer): Promise<boolean> {
    if (!this.#isWatched) {
      await writeOn(this.exchange, data);
      return !isGone(this.exchange.gone);
    }
    const all = typeof data === 'string' ? Buffer.from(data) : data;
    const bytes = all.subarray(0, this.#bytesLeft);
    this.#bytesLeft -= bytes.length;
    for (let start = 0; start < bytes.length; start += this.#bytesAtOnce) {
      await wait(this.#everyMs, this.exchange.gone);
      if (isGone(this.exchange.gone)) return false;
      await writeOut(this.exchange, bytes.subarray(start, start + this.#bytesAtOnce));
    }
    return this.#bytesLeft > 0 && !isGone(this.exchange.gone);
  }
}
