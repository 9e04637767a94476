import { OverloadedError } from '../errors/overloaded-error.js';
import type { PolicyDeployment } from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';

/** How fast places come free is measured over so long. */
const DRAIN_WINDOW_MS = 10_000;
/** Fewer calls that ended prove no rate. */
const MIN_DEPARTURES = 5;
/** Departures kept of a deployment. */
const KEPT_DEPARTURES = 256;
const MIN_RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 60_000;
/** A wait that ends by time (a rest, a breaker's pause) rings no bell: it is looked for this often while somebody waits. */
const LOOK_MS = 100;

/** Of so many places one goes to who is late already. */
const LATE_TURN = 3;

/** Who waits. */
export interface RoomGuest {
  /** In the order of preference. */
  readonly deployments: readonly PolicyDeployment[];
  readonly isBackground: boolean;
  /** Of its surface: the higher is served first. */
  readonly priority: number;
  /** How long the request has left. */
  readonly leftMs: number;
  /** How long it may wait and still be answered within its target; absent: it has none, or has missed it. */
  readonly inTimeMs?: number | undefined;
  readonly maxSize: number;
  readonly maxWaitMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The place that came free. Must be entered, or given back. */
export interface RoomPlace {
  readonly deployment: PolicyDeployment;
  /** Gives it up: because the call has started and counts as in flight, or because it never will. */
  release(): void;
}

interface Waiter extends RoomGuest {
  /** On the room's clock. */
  readonly inTimeUntil: number;
  readonly sequence: number;
  readonly resolve: (place: RoomPlace | undefined) => void;
  readonly reject: (error: OverloadedError) => void;
}

/** Whether one of the two comes first. */
function order(first: Waiter, second: Waiter): number {
  if (first.isBackground !== second.isBackground) return first.isBackground ? 1 : -1;
  return second.priority - first.priority || first.sequence - second.sequence;
}

/** Whether it waits for one of these too. */
function competes(waiter: Waiter, deployments: readonly PolicyDeployment[]): boolean {
  return waiter.deployments.some((deployment) => deployments.includes(deployment));
}

/**
 * The bounded queue of the requests for which every deployment that may serve them is full. Interactive work comes before
 * background, a surface of higher priority before one of lower, and among equals mostly who can still keep its target, in
 * the order they came. Who cannot be served before his deadline is told at once; where the room is full the least urgent
 * goes.
 */
export class WaitingRoom {
  #waiters: Waiter[] = [];
  #sequence = 0;
  #turn = 0;
  readonly #reserved = new Map<string, number>();
  readonly #departures = new Map<string, number[]>();
  readonly #shown = new Map<string, number>();
  readonly #subscriptions: (() => void)[];
  #look: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: TelemetryBus,
    /** Whether the deployment can take one call more than it has, and those reserved. */
    private readonly hasRoom: (deployment: PolicyDeployment, reserved: number) => boolean,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#subscriptions = [
      bus.on('attempt-ended', ({ deployment }) => {
        this.depart(deployment);
        this.admit();
      }),
      bus.on('attempt-first-token', () => {
        // The limit may have grown.
        this.admit();
      }),
    ];
  }

  get size(): number {
    return this.#waiters.length;
  }

  /** Places promised to those who waited. */
  reserved(deployment: PolicyDeployment): number {
    return this.#reserved.get(deployment.id) ?? 0;
  }

  /**
   * Resolves with a place as soon as one is free; undefined: the wait was as long as it may be, or the caller left.
   *
   * @throws {@link OverloadedError} with a truthful Retry-After for whom it has no room, or no place in time.
   */
  async wait(guest: RoomGuest): Promise<RoomPlace | undefined> {
    if (guest.signal?.aborted) return undefined;
    let waiter!: Waiter;
    const place = new Promise<RoomPlace | undefined>((resolve, reject) => {
      waiter = {
        ...guest,
        inTimeUntil: this.now() + (guest.inTimeMs ?? 0),
        sequence: (this.#sequence += 1),
        resolve,
        reject,
      };
    });
    this.take(waiter);
    const leave = (): void => {
      if (this.remove(waiter)) waiter.resolve(undefined);
    };
    guest.signal?.addEventListener('abort', leave, { once: true });
    const timer = setTimeout(leave, Math.min(guest.leftMs, guest.maxWaitMs ?? Number.POSITIVE_INFINITY));
    try {
      return await place;
    } finally {
      clearTimeout(timer);
      guest.signal?.removeEventListener('abort', leave);
    }
  }

  /** What is known of deployments that are gone is forgotten. */
  retain(deployments: ReadonlySet<string>): void {
    for (const id of this.#departures.keys()) if (!deployments.has(id)) this.#departures.delete(id);
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    clearInterval(this.#look);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(undefined);
  }

  /** When to come back, in milliseconds: how long those who wait for the same deployments, or those ahead, would take. */
  retryAfterMs(
    deployments: readonly PolicyDeployment[],
    ahead = this.#waiters.filter((waiter) => competes(waiter, deployments)).length,
  ): number {
    const waitMs = this.expectedWaitMs(deployments, ahead) ?? MIN_RETRY_AFTER_MS;
    return Math.min(Math.max(Math.ceil(waitMs), MIN_RETRY_AFTER_MS), MAX_RETRY_AFTER_MS);
  }

  /** @throws {@link OverloadedError}. */
  private take(waiter: Waiter): void {
    const ahead = this.#waiters.filter(
      (other) => order(other, waiter) < 0 && competes(other, waiter.deployments),
    ).length;
    const waitMs = this.expectedWaitMs(waiter.deployments, ahead);
    if (waitMs !== undefined && waitMs > waiter.leftMs) {
      throw new OverloadedError(
        'All models that may serve this request are at capacity, and its deadline would pass while it waits.',
        this.retryAfterMs(waiter.deployments, ahead),
      );
    }
    if (this.#waiters.length >= waiter.maxSize) {
      const last = this.#waiters.at(-1);
      if (last === undefined || order(waiter, last) > 0) throw this.shed(waiter);
      this.remove(last);
      last.reject(this.shed(last));
    }
    const after = this.#waiters.findIndex((other) => order(waiter, other) < 0);
    this.#waiters.splice(after < 0 ? this.#waiters.length : after, 0, waiter);
    this.show(waiter.deployments[0]);
    this.#look ??= setInterval(() => {
      this.admit();
    }, LOOK_MS);
  }

  private shed(waiter: Waiter): OverloadedError {
    return new OverloadedError(
      'All models that may serve this request are at capacity, and too many requests wait already.',
      this.retryAfterMs(waiter.deployments),
    );
  }

  private remove(waiter: Waiter): boolean {
    const index = this.#waiters.indexOf(waiter);
    if (index < 0) return false;
    this.#waiters.splice(index, 1);
    this.show(waiter.deployments[0]);
    if (this.#waiters.length === 0) {
      clearInterval(this.#look);
      this.#look = undefined;
    }
    return true;
  }

  /** Gives the free places to those who come first. */
  private admit(): void {
    if (this.#waiters.length === 0) return;
    const rooms = new Map<string, boolean>();
    const hasRoom = (deployment: PolicyDeployment): boolean => {
      const known = rooms.get(deployment.id);
      if (known !== undefined) return known;
      const found = this.hasRoom(deployment, this.reserved(deployment));
      rooms.set(deployment.id, found);
      return found;
    };
    for (;;) {
      const waiter = this.first((other) => other.deployments.some(hasRoom));
      const deployment = waiter?.deployments.find(hasRoom);
      if (waiter === undefined || deployment === undefined) return;
      this.remove(waiter);
      waiter.resolve(this.reserve(deployment));
      rooms.delete(deployment.id);
    }
  }

  /**
   * Who comes first of those that can be placed: among equals, those that can still keep their target, but for every third
   * place. In the order they came, a queue of two seconds would make every answer late, and not a few of them; and those
   * that are late already must be answered too.
   */
  private first(isPlaceable: (waiter: Waiter) => boolean): Waiter | undefined {
    const now = this.now();
    const inTime: Waiter[] = [];
    const late: Waiter[] = [];
    for (const waiter of this.#waiters) {
      const head = inTime[0] ?? late[0];
      if (
        head !== undefined &&
        (head.isBackground !== waiter.isBackground || head.priority !== waiter.priority)
      ) {
        break;
      }
      if (!isPlaceable(waiter)) continue;
      (waiter.inTimeUntil > now ? inTime : late).push(waiter);
      if (inTime.length > 0 && late.length > 0) break;
    }
    const [prompt] = inTime;
    const [tardy] = late;
    if (prompt === undefined || tardy === undefined) return prompt ?? tardy;
    this.#turn = (this.#turn + 1) % LATE_TURN;
    return this.#turn === 0 ? tardy : prompt;
  }

  private reserve(deployment: PolicyDeployment): RoomPlace {
    const { id } = deployment;
    this.#reserved.set(id, this.reserved(deployment) + 1);
    let isHeld = true;
    return {
      deployment,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        const left = this.reserved(deployment) - 1;
        if (left <= 0) this.#reserved.delete(id);
        else this.#reserved.set(id, left);
      },
    };
  }

  private depart(deployment: string): void {
    const now = this.now();
    const departures = this.#departures.get(deployment) ?? [];
    departures.push(now);
    if (departures.length >= KEPT_DEPARTURES * 2) departures.splice(0, departures.length - KEPT_DEPARTURES);
    this.#departures.set(deployment, departures);
  }

  /** Undefined: nothing is known of how fast places come free. */
  private expectedWaitMs(deployments: readonly PolicyDeployment[], ahead: number): number | undefined {
    const now = this.now();
    let perMs = 0;
    for (const { id } of deployments) {
      const recent = (this.#departures.get(id) ?? []).filter((at) => now - at <= DRAIN_WINDOW_MS);
      const [first] = recent;
      if (first === undefined || recent.length < MIN_DEPARTURES) continue;
      perMs += recent.length / Math.max(now - first, 1);
    }
    return perMs === 0 ? undefined : (ahead + 1) / perMs;
  }

  private show(deployment: PolicyDeployment | undefined): void {
    if (deployment === undefined) return;
    const queued = this.#waiters.filter(({ deployments }) => deployments[0]?.id === deployment.id).length;
    if (queued === (this.#shown.get(deployment.id) ?? 0)) return;
    if (queued === 0) this.#shown.delete(deployment.id);
    else this.#shown.set(deployment.id, queued);
    this.bus.emit('queue-changed', {
      deployment: deployment.id,
      model: deployment.model.name,
      provider: deployment.provider,
      queued,
    });
  }
}
