// The strategies that ours is laid beside. Each only orders the deployments; calling, failing over and cooling down are the
// same for all of them, as LiteLLM's router does it (read in its sources in 2026; see README.md).
import { SeededRandom, seedOf } from '../../dist/replay/index.js';
import { IN_ORDER, SLO_MS } from './days.mjs';

/** The same patience and the same number of calls as ours has. */
const MAX_ATTEMPTS = 4;
const FIRST_TOKEN_LIMIT_MS = 15_000;

const COOLDOWN_MS = 5_000;
/** Over so much of the calls of this minute, and not before there are so many. */
const COOLDOWN_FAILURE_SHARE = 0.5;
const COOLDOWN_MIN_CALLS = 5;

const LATENCY_SAMPLES = 10;
const LATENCY_TTL_MS = 3_600_000;
/** A call that ran out of time counts as so long. */
const TIMEOUT_SAMPLE_MS = 1_000_000;

/** What a strategy may know of a deployment. */
class Known {
  inFlight = 0;
  cooledUntilMs = 0;
  samples = [];
  #minute = -1;
  #calls = 0;
  #failures = 0;

  constructor(id, position) {
    this.id = id;
    this.position = position;
  }

  ended(nowMs, kind) {
    const minute = Math.floor(nowMs / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#calls = 0;
      this.#failures = 0;
    }
    this.#calls += 1;
    if (kind === undefined) return;
    this.#failures += 1;
    const isMostlyFailing =
      this.#calls >= COOLDOWN_MIN_CALLS && this.#failures / this.#calls > COOLDOWN_FAILURE_SHARE;
    if (kind === 'rate_limited' || isMostlyFailing) this.cooledUntilMs = nowMs + COOLDOWN_MS;
  }

  sample(nowMs, ms) {
    this.samples.push({ nowMs, ms });
    if (this.samples.length > LATENCY_SAMPLES) this.samples.shift();
  }

  /** 0 where nothing is known: so it is tried. */
  meanMs(nowMs) {
    const fresh = this.samples.filter((sample) => nowMs - sample.nowMs <= LATENCY_TTL_MS);
    return fresh.length === 0 ? 0 : fresh.reduce((sum, { ms }) => sum + ms, 0) / fresh.length;
  }
}

function leastOf(candidates, valueOf) {
  return candidates.reduce((best, one) => (valueOf(one) < valueOf(best) ? one : best));
}

/** Each: of the candidates, which are in the order of the configuration, the one to call. */
const CHOICES = {
  'static priority': () => (candidates) => candidates[0],
  'round robin': () => {
    let next = 0;
    return (candidates) => candidates[next++ % candidates.length];
  },
  random: (random) => (candidates) => candidates[Math.floor(random.next() * candidates.length)],
  'lowest latency': (random) => (candidates, nowMs) => {
    const best = Math.min(...candidates.map((one) => one.meanMs(nowMs)));
    const equals = candidates.filter((one) => one.meanMs(nowMs) === best);
    return equals[Math.floor(random.next() * equals.length)];
  },
  'least busy': () => (candidates) => leastOf(candidates, (one) => one.inFlight),
};

export const STRATEGIES = Object.keys(CHOICES);

/** @returns {(stage: import('../../dist/replay/index.js').ReplayStage) => import('../../dist/replay/index.js').ReplayedRouter} */
export function routerOf(strategy, policy, seed) {
  return ({ clock, deployments }) => {
    const choose = CHOICES[strategy](new SeededRandom(seedOf(seed, strategy)));
    const known = IN_ORDER.map((id, position) => new Known(id, position));
    const priceOf = new Map(
      [...policy.models.values()].flatMap((model) => model.deployments.map(({ id, price }) => [id, price])),
    );
    return {
      accept(request, index, onEnd) {
        new Failover({ clock, deployments, known, priceOf, choose, request, index, onEnd }).next();
      },
    };
  };
}

/** One request: the chosen deployment, and another one at once when it fails. */
class Failover {
  #parts;
  #startedAtMs;
  #attempts = [];
  #tried = new Set();

  constructor(parts) {
    this.#parts = parts;
    this.#startedAtMs = parts.clock.now();
  }

  next() {
    const { clock, known, choose } = this.#parts;
    const nowMs = clock.now();
    const untried = known.filter((one) => !this.#tried.has(one));
    const warm = untried.filter((one) => one.cooledUntilMs <= nowMs);
    // LiteLLM refuses where all are cooling; these try the rest, which is kinder.
    const candidates = warm.length > 0 ? warm : untried;
    if (candidates.length === 0 || this.#attempts.length >= MAX_ATTEMPTS) {
      this.#end('failed', undefined, undefined);
      return;
    }
    const chosen = choose(candidates, nowMs);
    this.#tried.add(chosen);
    this.#call(chosen);
  }

  #call(chosen) {
    const { clock, deployments, request, index } = this.#parts;
    const startedAtMs = clock.now();
    let timeToFirstTokenMs;
    chosen.inFlight += 1;
    const end = (outcome, errorKind, tokens) => {
      chosen.inFlight -= 1;
      limit.cancel();
      chosen.ended(clock.now(), errorKind);
      this.#record(chosen, { outcome, errorKind, timeToFirstTokenMs, startedAtMs, ...tokens });
    };
    const limit = clock.after(FIRST_TOKEN_LIMIT_MS, () => {
      call.stop();
      chosen.sample(clock.now(), TIMEOUT_SAMPLE_MS);
      end('timed_out', 'timeout', { promptTokens: request.promptTokens, answerTokens: 0 });
      this.next();
    });
    const call = deployments.get(chosen.id).call({
      request: index,
      attempt: this.#attempts.length + 1,
      answerTokens: request.answerTokens,
      onFirstToken: () => {
        limit.cancel();
        timeToFirstTokenMs = clock.now() - startedAtMs;
        chosen.sample(clock.now(), timeToFirstTokenMs);
      },
      onEnd: (failure) => {
        if (failure === undefined) {
          end('succeeded', undefined, request);
          this.#end('succeeded', chosen, startedAtMs + timeToFirstTokenMs - this.#startedAtMs);
        } else {
          end('failed', failure.kind, { promptTokens: 0, answerTokens: 0 });
          this.next();
        }
      },
    });
  }

  #record(chosen, { outcome, errorKind, timeToFirstTokenMs, startedAtMs, promptTokens, answerTokens }) {
    const price = this.#parts.priceOf.get(chosen.id);
    this.#attempts.push({
      deployment: chosen.id,
      tier: 'primary',
      outcome,
      errorKind,
      timeToFirstTokenMs,
      durationMs: this.#parts.clock.now() - startedAtMs,
      costUsd: (promptTokens * price.inputPer1M + answerTokens * price.outputPer1M) / 1_000_000,
      brokenLimits: [],
    });
  }

  #end(outcome, chosen, timeToFirstTokenMs) {
    const { clock, onEnd } = this.#parts;
    onEnd({
      surface: 'chat',
      sloMs: SLO_MS,
      streamed: true,
      outcome,
      errorCode: outcome === 'failed' ? 'all_attempts_failed' : undefined,
      durationMs: clock.now() - this.#startedAtMs,
      timeToFirstTokenMs,
      servedBy: chosen === undefined ? undefined : { deployment: chosen.id, tier: 'primary' },
      attempts: this.#attempts,
    });
  }
}
