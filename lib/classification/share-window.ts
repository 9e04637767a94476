/** Scores looked back on. Of 500 the share over a quantile is known to 2 points (its standard deviation at 30 %). */
const SIZE = 500;
/** Fewer say too little. */
export const MIN_SAMPLES = 50;
/** By how much of a request the asked quantile is put right for each request too many, or too few. */
const GAIN = 1 / 100;
/** So many requests too many put the quantile right as far as it goes; more would only be remembered for too long. */
const MAX_DEBT = 1 / GAIN;

/** Where a share's threshold stands, of the scores seen last. */
interface Cut {
  /** The lowest score of which some request is sent. */
  readonly value: number;
  /** Of those with just this score, the share that is sent. */
  readonly shareOfTies: number;
}

/**
 * Learns the threshold over which a wanted share of the traffic lies, from the last 500 scores.
 *
 * The scores are kept whole, in a ring and in order, and not as a sketch (P², t-digest): so many take 8 KB, the quantile
 * of them is exact, the oldest leave it, and scores that many requests share are counted as what they are. Of requests
 * with just the threshold's score a part is sent, one after the other by an even count, so that a tie does not break the
 * share.
 *
 * A quantile of the past lags behind traffic that drifts. So what was sent is counted too, and the quantile that is asked
 * for is put right by a hundredth for each request too many or too few (adaptive conformal inference, Gibbs and
 * Candès, 2021). With that the share of any N requests in a row is within 200 / N of the one asked for whatever the scores
 * do, and near it long before where they do nothing odd.
 */
export class ShareWindow {
  readonly #ring = new Float64Array(SIZE);
  /** The same, ascending; `#count` of them. */
  readonly #sorted = new Float64Array(SIZE);
  #count = 0;
  #next = 0;
  #share: number | undefined;
  /** Requests that should have been sent and were not; negative: too many were. */
  #debt = 0;
  /** Parts of requests that ties have saved up. */
  #carry = 0.5;

  /** Undefined: too little has been seen. */
  threshold(share: number): number | undefined {
    return this.cut(share)?.value;
  }

  /** Whether a request of this score is one of the share; undefined: too little has been seen. Changes nothing. */
  isOver(score: number, share: number): boolean | undefined {
    const cut = this.cut(share);
    if (cut === undefined) return undefined;
    if (score !== cut.value) return score > cut.value;
    return this.#carry + cut.shareOfTies >= 1;
  }

  /** Takes note of a request and of what became of it. */
  learn(score: number, share: number, wasSent: boolean): void {
    if (share !== this.#share) {
      // What was owed was owed to another share.
      this.#debt = 0;
      this.#share = share;
    }
    const cut = this.cut(share);
    if (cut?.value === score && cut.shareOfTies < 1) {
      this.#carry = clamp(this.#carry + cut.shareOfTies - (wasSent ? 1 : 0), 0, 1);
    }
    this.#debt = clamp(this.#debt + share - (wasSent ? 1 : 0), -MAX_DEBT, MAX_DEBT);
    this.add(score);
  }

  private cut(share: number): Cut | undefined {
    if (this.#count < MIN_SAMPLES) return undefined;
    const debt = share === this.#share ? this.#debt : 0;
    const wanted = clamp(share + GAIN * debt, 0, 1) * this.#count;
    if (wanted <= 0) return { value: Number.POSITIVE_INFINITY, shareOfTies: 0 };
    const value = wanted >= this.#count ? 0 : (this.#sorted[this.#count - Math.ceil(wanted)] ?? 0);
    const above = this.#count - this.firstOver(value);
    const equal = this.#count - above - this.firstNotUnder(value);
    return { value, shareOfTies: equal === 0 ? 1 : Math.min(1, (wanted - above) / equal) };
  }

  private add(score: number): void {
    if (this.#count === SIZE) {
      const at = this.firstNotUnder(this.#ring[this.#next] ?? 0);
      this.#sorted.copyWithin(at, at + 1, this.#count);
      this.#count -= 1;
    }
    const at = this.firstOver(score);
    this.#sorted.copyWithin(at + 1, at, this.#count);
    this.#sorted[at] = score;
    this.#count += 1;
    this.#ring[this.#next] = score;
    this.#next = (this.#next + 1) % SIZE;
  }

  private firstNotUnder(score: number): number {
    return this.search((other) => other >= score);
  }

  private firstOver(score: number): number {
    return this.search((other) => other > score);
  }

  /** The first place from which on it holds. */
  private search(holds: (score: number) => boolean): number {
    let from = 0;
    let to = this.#count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (holds(this.#sorted[middle] ?? 0)) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest);
}
