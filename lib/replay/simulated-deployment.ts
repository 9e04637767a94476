import type { ModelPrice } from '../catalog/catalog-model.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { DeploymentBehaviour, DeploymentChange, DeploymentEvent, Pace } from './deployment-behaviour.js';
import { SeededRandom, seedOf } from './seeded-random.js';
import type { SimulatedClock, SimulatedTimer } from './simulated-clock.js';

/** A refusal comes back in so long. */
const REFUSED_AFTER_MS = 30;
/** So much of the wait for a first token passes before an error is told. */
const ERROR_AFTER_SHARE = 0.5;
/** Who finds it full, and its queue too, is to come back in so long. */
const FULL_RETRY_AFTER_MS = 1_000;

const STATUS: Partial<Record<ProviderErrorKind, number>> = {
  rate_limited: 429,
  overloaded: 503,
  server_error: 500,
  authentication: 401,
  permission: 403,
  not_found: 404,
};

export interface SimulatedFailure {
  readonly kind: ProviderErrorKind;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
}

export interface CallToSimulate {
  /** The same for the same request under every configuration, so that two replays differ by their choices alone. */
  readonly request: number;
  readonly attempt: number;
  readonly answerTokens: number;
  readonly onFirstToken: () => void;
  /** Undefined: the answer is complete. Not called once the call was stopped. */
  readonly onEnd: (failure: SimulatedFailure | undefined) => void;
}

export interface SimulatedCall {
  /** The caller has gone: nothing more comes of it. */
  stop(): void;
}

interface Call extends CallToSimulate {
  isOver: boolean;
  timer: SimulatedTimer | undefined;
}

interface State {
  slowness: number;
  errorRate: number;
  isOut: boolean;
  requestsPerMinute: number | undefined;
  retryAfterMs: number | undefined;
  price: ModelPrice | undefined;
}

/** One deployment as its provider runs it: so many places, a queue before them, a rate limit, and its bad times. */
export class SimulatedDeployment {
  readonly #seed: number;
  readonly #waiting: Call[] = [];
  readonly #changes: readonly (DeploymentEvent & { readonly change: DeploymentChange })[];
  #working = 0;
  #inFlight = 0;
  #peakInFlight = 0;
  /** When the rate limit has forgotten all calls so far. */
  #limitedUntilMs = 0;

  constructor(
    readonly id: string,
    private readonly behaviour: DeploymentBehaviour,
    events: readonly DeploymentEvent[],
    private readonly clock: SimulatedClock,
    private readonly startMs: number,
    seed: number,
  ) {
    this.#seed = seedOf(seed, id);
    this.#changes = events.filter(({ deployment }) => deployment === undefined || deployment === id);
  }

  /** Calls under way, those that wait there among them. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls it works on. */
  get working(): number {
    return this.#working;
  }

  get peakInFlight(): number {
    return this.#peakInFlight;
  }

  /** What it really costs now, where that is another price than the configured one. */
  get price(): ModelPrice | undefined {
    return this.state().price;
  }

  call(call: CallToSimulate): SimulatedCall {
    const running: Call = { ...call, isOver: false, timer: undefined };
    this.#inFlight += 1;
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#inFlight);
    const state = this.state();
    const { capacity, queueLength } = this.behaviour;
    if (state.isOut) {
      this.refuse(running, { kind: 'connection', status: undefined, retryAfterMs: undefined });
    } else if (this.isOverRate(state)) {
      this.refuse(running, { kind: 'rate_limited', status: 429, retryAfterMs: state.retryAfterMs });
    } else if (capacity === undefined || this.#working < capacity) {
      this.begin(running);
    } else if (this.#waiting.length < queueLength) {
      this.#waiting.push(running);
    } else {
      this.refuse(running, { kind: 'rate_limited', status: 429, retryAfterMs: FULL_RETRY_AFTER_MS });
    }
    return {
      stop: () => {
        if (running.isOver) return;
        const index = this.#waiting.indexOf(running);
        if (index >= 0) this.#waiting.splice(index, 1);
        this.leave(running, index < 0 && running.timer !== undefined);
      },
    };
  }

  private state(): State {
    const { behaviour } = this;
    const state: State = {
      slowness: 1,
      errorRate: this.pace().errorRate,
      isOut: false,
      requestsPerMinute: behaviour.requestsPerMinute,
      retryAfterMs: behaviour.retryAfterMs,
      price: undefined,
    };
    const atMs = this.clock.now() - this.startMs;
    for (const { fromMs, toMs, change } of this.#changes) {
      if (atMs >= fromMs && atMs < toMs) apply(change, state);
    }
    return state;
  }

  /** As it is in this part of the day. */
  private pace(): Pace {
    const { slots } = this.behaviour;
    if (slots === undefined) return this.behaviour;
    return slots.paces.get(Math.floor(this.clock.now() / slots.lengthMs)) ?? this.behaviour;
  }

  /** A bucket that holds a second's worth of calls. */
  private isOverRate({ requestsPerMinute }: State): boolean {
    if (requestsPerMinute === undefined) return false;
    const nowMs = this.clock.now();
    const eachMs = 60_000 / requestsPerMinute;
    const untilMs = Math.max(this.#limitedUntilMs, nowMs) + eachMs;
    if (untilMs - nowMs > Math.max(1_000, eachMs)) return true;
    this.#limitedUntilMs = untilMs;
    return false;
  }

  private refuse(call: Call, failure: SimulatedFailure): void {
    this.clock.after(REFUSED_AFTER_MS, () => {
      if (call.isOver) return;
      this.leave(call, false);
      call.onEnd(failure);
    });
  }

  private begin(call: Call): void {
    this.#working += 1;
    const { behaviour } = this;
    const pace = this.pace();
    const { slowness, errorRate, retryAfterMs } = this.state();
    const random = new SeededRandom(seedOf(this.#seed, call.request, call.attempt));
    const isFailing = random.next() < errorRate;
    const firstTokenMs = pace.timeToFirstTokenMs.draw(random) * slowness;
    const perSecond = pace.tokensPerSecond.draw(random) / slowness;
    if (isFailing) {
      call.timer = this.clock.after(firstTokenMs * ERROR_AFTER_SHARE, () => {
        this.leave(call, true);
        const { errorKind } = behaviour;
        call.onEnd({
          kind: errorKind,
          status: STATUS[errorKind],
          retryAfterMs: errorKind === 'rate_limited' ? retryAfterMs : undefined,
        });
      });
      return;
    }
    call.timer = this.clock.after(firstTokenMs, () => {
      call.timer = this.clock.after((1_000 * call.answerTokens) / perSecond, () => {
        this.leave(call, true);
        call.onEnd(undefined);
      });
      call.onFirstToken();
    });
  }

  private leave(call: Call, wasWorking: boolean): void {
    call.isOver = true;
    call.timer?.cancel();
    this.#inFlight -= 1;
    if (!wasWorking) return;
    this.#working -= 1;
    const next = this.#waiting.shift();
    if (next !== undefined) this.begin(next);
  }
}

function apply(change: DeploymentChange, state: State): void {
  switch (change.kind) {
    case 'brown_out':
      state.slowness *= change.factor;
      return;
    case 'error_burst':
      state.errorRate = change.errorRate;
      return;
    case 'rate_limit':
      state.requestsPerMinute = change.requestsPerMinute;
      state.retryAfterMs = change.retryAfterMs ?? state.retryAfterMs;
      return;
    case 'outage':
      state.isOut = true;
      return;
    case 'price_change':
      state.price = change.price;
  }
}
