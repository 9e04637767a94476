import type { ModelPrice } from '../catalog/catalog-model.js';
import { isUnseen, movedAlong, usualMsOf } from './expected-latency.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import { alertTerm, errorTerm, loadTerm, MAX_LATENCY, type ScoreContext } from './score-candidate.js';
import type { DeploymentSignals } from './signals-snapshot.js';

/** The terms are summed in another order here: what is so little above is not above. */
const ROUNDING = 1 - 1e-9;
const PER_MILLION = 1_000_000;

/**
 * What the score of each candidate of a tier is at least, from columns of numbers: of a thousand candidates a few are
 * planned, and most others need no look at all that is known of them. The columns stand on the policy and on the live state,
 * never on a request, and are filled anew where the live state has changed.
 */
export class ScoreFloors {
  readonly #streamed: boolean;
  readonly #inputPer1M: Float64Array;
  readonly #outputPer1M: Float64Array;
  /** 1: nothing but the score, or a deferral that puts it behind, decides on it. */
  readonly #isPlain: Uint8Array;
  readonly #worstRecentMs: Float64Array;
  readonly #usualMs: Float64Array;
  readonly #slope: Float64Array;
  readonly #meanLength: Float64Array;
  readonly #errors: Float64Array;
  readonly #load: Float64Array;
  readonly #alert: Float64Array;
  readonly #least: Float64Array;
  /** What the columns were filled from. */
  readonly #seen: (DeploymentSignals | undefined)[];
  #live: readonly DeploymentSignals[] | undefined;
  #unseen = 0;

  constructor(
    private readonly candidates: readonly PolicyDeployment[],
    streamed: boolean,
  ) {
    this.#streamed = streamed;
    const column = (): Float64Array => new Float64Array(candidates.length);
    this.#inputPer1M = Float64Array.from(candidates, ({ price }) => leastPrice(price, 'inputPer1M'));
    this.#outputPer1M = Float64Array.from(candidates, ({ price }) => leastPrice(price, 'outputPer1M'));
    this.#isPlain = new Uint8Array(candidates.length);
    this.#worstRecentMs = column();
    this.#usualMs = column();
    this.#slope = column();
    this.#meanLength = column();
    this.#errors = column();
    this.#load = column();
    this.#alert = column();
    this.#least = column();
    this.#seen = candidates.map(() => undefined);
  }

  /** @param live - Of the candidates, in their order. */
  refresh(live: readonly DeploymentSignals[]): void {
    if (live === this.#live) return;
    this.#live = live;
    for (let index = 0; index < this.candidates.length; index += 1) {
      const signals = live[index];
      if (signals === this.#seen[index]) continue;
      const deployment = this.candidates[index];
      if (signals === undefined || deployment === undefined) continue;
      const before = this.#seen[index];
      if (before !== undefined && isUnseen(before, this.#streamed)) this.#unseen -= 1;
      if (isUnseen(signals, this.#streamed)) this.#unseen += 1;
      this.#seen[index] = signals;
      this.fill(index, deployment, signals);
    }
  }

  /** How many of them were never seen: what is expected of those depends on their peers. */
  get unseen(): number {
    return this.#unseen;
  }

  /**
   * The least score of each, by its place: minus infinity where a draw may decide on it, or its peers. Holds until the next
   * call.
   *
   * @param overTargetMs - The target whose miss defers a candidate; asked only where it may have missed one.
   */
  reckon(
    context: ScoreContext,
    overTargetMs: (deployment: PolicyDeployment) => number | undefined,
  ): Float64Array {
    const { weights, usage, targetLatencyMs, referenceCostUsd, qualityOf, warm } = context;
    const length = this.#streamed ? usage.inputTokens : usage.outputTokens;
    const costWeight = referenceCostUsd === 0 ? 0 : weights.cost / referenceCostUsd / PER_MILLION;
    const least = this.#least;
    const isPlain = weights.quality === 0 && warm === undefined;
    for (let index = 0; index < least.length; index += 1) {
      least[index] = Number.NEGATIVE_INFINITY;
      if (this.#isPlain[index] === 0) continue;
      const usualMs = at(this.#usualMs, index);
      const latencyMs = movedAlong(usualMs, at(this.#slope, index), at(this.#meanLength, index), length);
      const score =
        weights.latency * Math.min(latencyMs / targetLatencyMs, MAX_LATENCY) +
        weights.errors * at(this.#errors, index) +
        weights.load * at(this.#load, index) +
        costWeight *
          (usage.inputTokens * at(this.#inputPer1M, index) +
            usage.outputTokens * at(this.#outputPer1M, index)) +
        at(this.#alert, index);
      const worstRecentMs = at(this.#worstRecentMs, index);
      if (isPlain && worstRecentMs === 0) {
        least[index] = score * ROUNDING;
        continue;
      }
      const deployment = this.candidates[index];
      if (deployment === undefined || warm?.deployment === deployment.id) continue;
      if (worstRecentMs > 0 && worstRecentMs > (overTargetMs(deployment) ?? Number.POSITIVE_INFINITY))
        continue;
      const quality = weights.quality === 0 ? 0 : weights.quality * (1 - (qualityOf(deployment) ?? 0));
      least[index] = (score + quality) * ROUNDING;
    }
    return least;
  }

  private fill(index: number, deployment: PolicyDeployment, signals: DeploymentSignals): void {
    const streamed = this.#streamed;
    const line = streamed ? signals.firstTokenByInput : signals.durationByOutput;
    // Without a line the latency depends on the request in other ways, or on that of its peers; the others are drawn.
    const isPlain =
      line !== undefined && signals.breaker !== 'ramping' && (signals.samples > 0 || signals.inFlight > 0);
    this.#isPlain[index] = isPlain ? 1 : 0;
    const recent = streamed ? signals.recentP95TimeToFirstTokenMs : signals.recentP95LatencyMs;
    this.#worstRecentMs[index] = recent.reduce<number>((worst, p95Ms = 0) => Math.max(worst, p95Ms), 0);
    this.#usualMs[index] = usualMsOf(signals, deployment.prior, streamed, 0);
    this.#slope[index] = line?.slope ?? 0;
    this.#meanLength[index] = line?.meanX ?? 0;
    this.#errors[index] = errorTerm(signals);
    this.#load[index] = loadTerm(deployment, signals);
    this.#alert[index] = alertTerm(signals);
  }
}

function at(column: Float64Array, index: number): number {
  return column[index] ?? Number.NaN;
}

/** At any length of the prompt; 0 where none is known. */
function leastPrice(price: ModelPrice | undefined, name: 'inputPer1M' | 'outputPer1M'): number {
  if (price === undefined) return 0;
  return Math.min(price[name], ...(price.longContext ?? []).map((step) => step[name]));
}
