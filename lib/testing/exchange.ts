import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { CutEnding } from './upstream-fault.interface.js';
import type { UpstreamRoute, UpstreamWire } from './upstream-wire.interface.js';

/** One request on its way: where to write, and how to know that the client has gone. */
export interface Exchange {
  readonly wire: UpstreamWire;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the response has ended in whatever way. */
  readonly gone: AbortSignal;
  readonly route: UpstreamRoute | undefined;
  readonly query: URLSearchParams;
  readonly identifier: string;
  readonly reusedConnection: boolean;
  /** Ends the connection from this side; no client's abort. */
  readonly breakOff: (ending: Exclude<CutEnding, 'clean'>) => void;
}

/** Ends an answer that is not complete. */
export async function cutOff({ response, breakOff }: Exchange, ending: CutEnding = 'close'): Promise<void> {
  if (ending === 'clean') {
    response.end();
    return;
  }
  // Lets what was written leave this process before the connection goes.
  await new Promise(setImmediate);
  breakOff(ending);
}

/** Asked through a function, because the compiler takes a property for unchanged across an await. */
export function isGone(gone: AbortSignal): boolean {
  return gone.aborted;
}

/** Waits, but no longer than the client stays. */
export async function wait(ms: number, gone: AbortSignal): Promise<void> {
  if (ms <= 0 || gone.aborted) return;
  await delay(ms, undefined, { signal: gone }).catch(() => undefined);
}

export async function untilGone(gone: AbortSignal): Promise<void> {
  if (!gone.aborted) await once(gone, 'abort');
}

/** Writes, and waits for room where there is none. */
export async function writeOn({ response, gone }: Exchange, data: string | Buffer): Promise<void> {
  if (!response.write(data)) await once(response, 'drain', { signal: gone }).catch(() => undefined);
}

/** Resolves when the data has left this process, or cannot any more. */
export function writeOut({ response }: Exchange, data: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.write(data, () => {
      resolve();
    });
  });
}
