import { ShareWindow } from './share-window.js';

/** How a surface tells hard requests from easy ones: by a fixed threshold, or by the share that is to be hard. */
export type Calibration =
  { readonly kind: 'threshold'; readonly value: number } | { readonly kind: 'share'; readonly value: number };

/** What holds for one request. */
export interface Verdict {
  readonly isHard: boolean;
  readonly threshold: number;
  /** The threshold is learned from traffic. */
  readonly isLearned: boolean;
}

/**
 * The thresholds of all surfaces. What is learned is kept by surface, for kinds of traffic differ: one threshold over
 * several kinds sends nearly all of one to the strong model and little of another.
 */
export class SurfaceThresholds {
  readonly #windows = new Map<string, ShareWindow>();

  /** @param defaultThreshold - The scorer's own, where nothing else is asked for, or not enough is learned. */
  constructor(private readonly defaultThreshold: number) {}

  /** Changes nothing: the same answer until something is learned. */
  judge(surface: string, score: number, calibration: Calibration | undefined): Verdict {
    if (calibration?.kind === 'share') {
      const window = this.#windows.get(surface);
      const threshold = window?.threshold(calibration.value);
      const isHard = window?.isOver(score, calibration.value);
      if (threshold !== undefined && isHard !== undefined) {
        // 1 and over: none is sent for now.
        return { isHard, threshold: Math.min(threshold, 1), isLearned: true };
      }
    }
    const threshold = calibration?.kind === 'threshold' ? calibration.value : this.defaultThreshold;
    return { isHard: score >= threshold, threshold, isLearned: false };
  }

  /** Takes note of a request that the score, or a judge of it, has decided on. */
  learn(surface: string, score: number, calibration: Calibration | undefined, wasHard: boolean): void {
    if (calibration?.kind !== 'share') return;
    let window = this.#windows.get(surface);
    if (window === undefined) {
      window = new ShareWindow();
      this.#windows.set(surface, window);
    }
    window.learn(score, calibration.value, wasHard);
  }

  /** Of surfaces that are gone nothing is kept. */
  retain(surfaces: ReadonlySet<string>): void {
    for (const surface of this.#windows.keys()) if (!surfaces.has(surface)) this.#windows.delete(surface);
  }
}
