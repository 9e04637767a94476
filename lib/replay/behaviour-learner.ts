import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { ASSUMED_BEHAVIOUR, type DeploymentBehaviour, type Pace } from './deployment-behaviour.js';
import { type Distribution, ofSamples } from './distribution.js';
import { SeededRandom, seedOf } from './seeded-random.js';

/** What a log tells of one call. */
export interface RecordedCall {
  readonly deployment: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly timeToFirstTokenMs: number | undefined;
  readonly outcome: string;
  readonly errorKind: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A deployment is taken for what it was in each part of the day, so that a bad hour stays one. */
const SLOT_MS = 300_000;
/** Fewer calls in a part of the day say less of it than the whole day does. */
const MIN_SLOT_CALLS = 20;
const KEPT_SAMPLES = 4_096;
const KEPT_SLOT_SAMPLES = 512;
/** Three days and a half of slots: what a longer log says beyond them counts for the whole alone. */
const MAX_SLOTS = 1_000;
/** Answers so short say nothing of a speed. */
const MIN_SPEED_TOKENS = 8;

/** A sample of bounded size in which every value had the same chance (reservoir sampling, J. Vitter, 1985). */
class Reservoir<Value> {
  readonly values: Value[] = [];
  #seen = 0;

  constructor(
    private readonly size: number,
    private readonly random: SeededRandom,
  ) {}

  add(value: Value): void {
    this.#seen += 1;
    if (this.values.length < this.size) {
      this.values.push(value);
      return;
    }
    const place = Math.floor(this.random.next() * this.#seen);
    if (place < this.size) this.values[place] = value;
  }
}

interface WholeAnswer {
  readonly durationMs: number;
  readonly tokens: number;
}

/** What was seen of one deployment, over the day or in a part of it. */
class Sightings {
  calls = 0;
  readonly errors = new Map<string, number>();
  readonly firstTokensMs: Reservoir<number>;
  readonly speeds: Reservoir<number>;
  readonly wholes: Reservoir<WholeAnswer>;

  constructor(size: number, random: SeededRandom) {
    this.firstTokensMs = new Reservoir(size, random);
    this.speeds = new Reservoir(size, random);
    this.wholes = new Reservoir(size, random);
  }

  add(call: RecordedCall): void {
    const { durationMs, timeToFirstTokenMs, completionTokens, outcome, errorKind = 'server_error' } = call;
    this.calls += 1;
    if (outcome === 'failed') this.errors.set(errorKind, (this.errors.get(errorKind) ?? 0) + 1);
    if (timeToFirstTokenMs !== undefined) {
      this.firstTokensMs.add(timeToFirstTokenMs);
      const spokenMs = durationMs - timeToFirstTokenMs;
      if (outcome === 'succeeded' && completionTokens >= MIN_SPEED_TOKENS && spokenMs > 0) {
        this.speeds.add((1_000 * completionTokens) / spokenMs);
      }
    } else if (outcome === 'succeeded') {
      this.wholes.add({ durationMs, tokens: completionTokens });
    } else if (outcome === 'timed_out') {
      // It would have taken at least so long.
      this.firstTokensMs.add(durationMs);
    }
  }
}

/** Milliseconds a token over whole answers: the slope of their durations over their lengths, by least squares. */
function slopeMs(wholes: readonly WholeAnswer[]): number | undefined {
  if (wholes.length < 2) return undefined;
  const mean = (of: (whole: WholeAnswer) => number): number =>
    wholes.reduce((sum, whole) => sum + of(whole), 0) / wholes.length;
  const tokens = mean((whole) => whole.tokens);
  const durationMs = mean((whole) => whole.durationMs);
  let together = 0;
  let square = 0;
  for (const whole of wholes) {
    together += (whole.tokens - tokens) * (whole.durationMs - durationMs);
    square += (whole.tokens - tokens) ** 2;
  }
  return square === 0 || together <= 0 ? undefined : together / square;
}

function paceOf(seen: Sightings, fallback: Pace): Pace {
  const wholes = seen.wholes.values;
  const speeds = seen.speeds.values;
  const slope = speeds.length === 0 ? slopeMs(wholes) : undefined;
  const tokensPerSecond: Distribution =
    speeds.length > 0
      ? ofSamples(speeds)
      : slope === undefined
        ? fallback.tokensPerSecond
        : ofSamples([1_000 / slope]);
  // What of a whole answer its length does not explain is the wait for its beginning.
  const hidden = wholes.map(({ durationMs, tokens }) =>
    Math.max(1, durationMs - (1_000 * tokens) / tokensPerSecond.median),
  );
  const firstTokensMs = [...seen.firstTokensMs.values, ...hidden];
  let failed = 0;
  for (const count of seen.errors.values()) failed += count;
  return {
    timeToFirstTokenMs: firstTokensMs.length === 0 ? fallback.timeToFirstTokenMs : ofSamples(firstTokensMs),
    tokensPerSecond,
    errorRate: seen.calls === 0 ? fallback.errorRate : failed / seen.calls,
  };
}

/** Learns from recorded calls how deployments behave: their percentiles, over the day and in each part of it. */
export class BehaviourLearner {
  readonly #days = new Map<string, Sightings>();
  readonly #slots = new Map<string, Map<number, Sightings>>();
  readonly #retryAfters = new Map<string, Reservoir<number>>();
  readonly #random = new SeededRandom(seedOf('learner'));

  add(call: RecordedCall): void {
    const { deployment } = call;
    let day = this.#days.get(deployment);
    let slots = this.#slots.get(deployment);
    if (day === undefined || slots === undefined) {
      day = new Sightings(KEPT_SAMPLES, this.#random);
      slots = new Map();
      this.#days.set(deployment, day);
      this.#slots.set(deployment, slots);
    }
    day.add(call);
    if (call.retryAfterMs !== undefined) {
      let waits = this.#retryAfters.get(deployment);
      if (waits === undefined) {
        waits = new Reservoir(KEPT_SLOT_SAMPLES, this.#random);
        this.#retryAfters.set(deployment, waits);
      }
      waits.add(call.retryAfterMs);
    }
    const number = Math.floor(call.startedAtMs / SLOT_MS);
    let slot = slots.get(number);
    if (slot === undefined) {
      if (slots.size >= MAX_SLOTS) return;
      slot = new Sightings(KEPT_SLOT_SAMPLES, this.#random);
      slots.set(number, slot);
    }
    slot.add(call);
  }

  /** By the deployment's id; who was never called is not among them. */
  behaviours(): Map<string, DeploymentBehaviour> {
    return new Map(
      [...this.#days].map(([deployment, day]) => {
        const usual = paceOf(day, ASSUMED_BEHAVIOUR);
        const slots = [...(this.#slots.get(deployment) ?? [])]
          .filter(([, { calls }]) => calls >= MIN_SLOT_CALLS)
          .map(([number, slot]): [number, Pace] => [number, paceOf(slot, usual)]);
        const [kind = ASSUMED_BEHAVIOUR.errorKind] =
          [...day.errors].toSorted(([, first], [, second]) => second - first)[0] ?? [];
        const waits = this.#retryAfters.get(deployment)?.values ?? [];
        return [
          deployment,
          {
            ...ASSUMED_BEHAVIOUR,
            ...usual,
            errorKind: kind as ProviderErrorKind,
            retryAfterMs: waits.length === 0 ? undefined : ofSamples(waits).median,
            slots: { lengthMs: SLOT_MS, paces: new Map(slots) },
          },
        ];
      }),
    );
  }
}
