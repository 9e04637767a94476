import type { UpstreamFaultScript, UpstreamRequest } from './scripted-upstream.interface.js';
import type { UpstreamRequestFault } from './upstream-fault.interface.js';
import { SeededRandom } from './seeded-random.js';

interface Share {
  readonly from: number;
  readonly width: number;
  readonly faults: readonly UpstreamRequestFault[];
}

interface Turn {
  readonly every: number;
  readonly since: number;
  readonly fault: UpstreamRequestFault;
}

/** Sharing nothing with the seeds of ids and delays, so that a fault changes no answer beside it. */
const SEED_OFFSET = 0x5eed;

/**
 * Says how each request fails, if at all. Where several hold for one request, the more particular wins: `failNext`, then
 * `failRequest`, the script, `failEvery`, `failShare`, `failAlways`. A request counts for all of them, whichever wins.
 */
export class FaultPlan {
  readonly #random: SeededRandom;
  #taken = 0;
  #next: UpstreamRequestFault[] = [];
  readonly #byPosition = new Map<number, UpstreamRequestFault>();
  #script: UpstreamFaultScript | undefined;
  #turns: Turn[] = [];
  #shares: Share[] = [];
  #standing: UpstreamRequestFault | undefined;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed + SEED_OFFSET);
  }

  /** What holds for whatever comes. */
  get standing(): UpstreamRequestFault | undefined {
    return this.#standing;
  }

  failNext(fault: UpstreamRequestFault, times: number): void {
    for (let count = 0; count < times; count += 1) this.#next.push(fault);
  }

  /** @throws RangeError for a position that no request can have. */
  failRequest(position: number, fault: UpstreamRequestFault): void {
    checkCount('The position of a request', position);
    this.#byPosition.set(this.#taken + position, fault);
  }

  setScript(script: UpstreamFaultScript | undefined): void {
    this.#script = script;
  }

  /** @throws RangeError for anything but a whole number from 1. */
  failEvery(every: number, fault: UpstreamRequestFault): void {
    checkCount('The distance between requests', every);
    this.#turns.push({ every, since: this.#taken, fault });
  }

  /** @throws RangeError where the shares would come to more than 1, or no fault is given. */
  failShare(share: number, faults: UpstreamRequestFault | readonly UpstreamRequestFault[]): void {
    const choice = isList(faults) ? [...faults] : [faults];
    const from = this.#shares.reduce((sum, { width }) => sum + width, 0);
    if (!(share >= 0 && from + share <= 1 + Number.EPSILON)) {
      throw new RangeError(`All shares together must be from 0 to 1, but are ${from + share}`);
    }
    if (choice.length === 0) throw new RangeError('A share of requests needs at least one fault');
    this.#shares.push({ from, width: share, faults: choice });
  }

  failAlways(fault: UpstreamRequestFault): void {
    this.#standing = fault;
  }

  /** Forgets all faults; the random numbers go on where they were. */
  heal(): void {
    this.#next = [];
    this.#byPosition.clear();
    this.#script = undefined;
    this.#turns = [];
    this.#shares = [];
    this.#standing = undefined;
  }

  /** The fault of a request that has just come. */
  take(request: UpstreamRequest): UpstreamRequestFault | undefined {
    this.#taken += 1;
    const position = this.#taken;
    const own = this.#byPosition.get(position);
    this.#byPosition.delete(position);
    // Drawn each time, needed or not: what else is scripted does not move the chance of later requests.
    const drawn = this.#random.next();
    return (
      this.#next.shift() ??
      own ??
      this.#script?.(request) ??
      this.#turns.find(({ every, since }) => (position - since) % every === 0)?.fault ??
      this.#ofShare(drawn) ??
      this.#standing
    );
  }

  #ofShare(drawn: number): UpstreamRequestFault | undefined {
    const hit = this.#shares.find(({ from, width }) => drawn >= from && drawn < from + width);
    if (hit === undefined) return undefined;
    return hit.faults[Math.floor(((drawn - hit.from) / hit.width) * hit.faults.length)] ?? hit.faults.at(-1);
  }
}

function isList(
  faults: UpstreamRequestFault | readonly UpstreamRequestFault[],
): faults is readonly UpstreamRequestFault[] {
  return Array.isArray(faults);
}

function checkCount(what: string, count: number): void {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`${what} must be a whole number from 1, but is ${count}`);
  }
}
