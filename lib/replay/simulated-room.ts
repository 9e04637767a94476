import type { PolicyDeployment } from '../planning/index.js';
import type { SimulatedClock, SimulatedTimer } from './simulated-clock.js';

/** Of so many places one goes to who is late already. */
const LATE_TURN = 3;
/** A wait that ends by time rings no bell: it is looked for this often while somebody waits. */
const LOOK_MS = 100;

/** Who waits for a place. */
export interface SimulatedGuest {
  readonly deployments: readonly PolicyDeployment[];
  readonly isBackground: boolean;
  readonly priority: number;
  /** Epoch milliseconds until which it can still keep its target. */
  readonly inTimeUntilMs: number;
  readonly maxWaitMs: number;
  /** A place is free now; undefined: none was, for as long as it may wait. */
  readonly onPlace: (deployment: PolicyDeployment | undefined) => void;
  /** So many wait already, of whom each is as urgent. */
  readonly onTurnedAway: () => void;
}

interface Waiter extends SimulatedGuest {
  readonly sequence: number;
  readonly timer: SimulatedTimer;
}

/**
 * The bounded queue before full deployments, in the order of the router's own waiting room: interactive work first, then
 * by the surface's priority, and among equals who can still keep the target. What it leaves out: nobody is sent away
 * because his deadline would pass while he waits.
 */
export class SimulatedRoom {
  readonly #waiters: Waiter[] = [];
  #sequence = 0;
  #turn = 0;
  #look: SimulatedTimer | undefined;

  constructor(
    private readonly clock: SimulatedClock,
    private readonly hasRoom: (deployment: PolicyDeployment) => boolean,
    private readonly onChange: (deployment: PolicyDeployment, queued: number) => void,
  ) {}

  get size(): number {
    return this.#waiters.length;
  }

  wait(guest: SimulatedGuest, maxSize: number): void {
    if (this.#waiters.length >= maxSize) {
      const last = this.#waiters.at(-1);
      if (last === undefined || isAtLeastAsUrgent(last, guest)) {
        guest.onTurnedAway();
        return;
      }
      this.remove(last);
      last.onTurnedAway();
    }
    const waiter: Waiter = {
      ...guest,
      sequence: (this.#sequence += 1),
      timer: this.clock.after(guest.maxWaitMs, () => {
        this.remove(waiter);
        waiter.onPlace(undefined);
      }),
    };
    const after = this.#waiters.findIndex((other) => !isAtLeastAsUrgent(other, waiter));
    this.#waiters.splice(after < 0 ? this.#waiters.length : after, 0, waiter);
    this.show(waiter);
    this.look();
  }

  /** Gives the free places to those who come first. */
  admit(): void {
    for (;;) {
      const waiter = this.first();
      const deployment = waiter?.deployments.find((one) => this.hasRoom(one));
      if (waiter === undefined || deployment === undefined) return;
      this.remove(waiter);
      waiter.onPlace(deployment);
    }
  }

  private look(): void {
    this.#look ??= this.clock.after(LOOK_MS, () => {
      this.#look = undefined;
      this.admit();
      if (this.#waiters.length > 0) this.look();
    });
  }

  private first(): Waiter | undefined {
    const nowMs = this.clock.now();
    let inTime: Waiter | undefined;
    let late: Waiter | undefined;
    for (const waiter of this.#waiters) {
      const head = inTime ?? late;
      if (
        head !== undefined &&
        (head.isBackground !== waiter.isBackground || head.priority !== waiter.priority)
      ) {
        break;
      }
      if (!waiter.deployments.some((one) => this.hasRoom(one))) continue;
      if (waiter.inTimeUntilMs > nowMs) inTime ??= waiter;
      else late ??= waiter;
      if (inTime !== undefined && late !== undefined) break;
    }
    if (inTime === undefined || late === undefined) return inTime ?? late;
    this.#turn = (this.#turn + 1) % LATE_TURN;
    return this.#turn === 0 ? late : inTime;
  }

  private remove(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index < 0) return;
    this.#waiters.splice(index, 1);
    waiter.timer.cancel();
    this.show(waiter);
  }

  /** It counts where it would go first. */
  private show({ deployments: [first] }: Waiter): void {
    if (first === undefined) return;
    this.onChange(first, this.#waiters.filter(({ deployments }) => deployments[0] === first).length);
  }
}

function isAtLeastAsUrgent(first: SimulatedGuest, second: SimulatedGuest): boolean {
  if (first.isBackground !== second.isBackground) return second.isBackground;
  return first.priority >= second.priority;
}
