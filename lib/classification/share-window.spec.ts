import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import { SeededRandom } from '../testing/seeded-random.js';
import { MIN_SAMPLES, ShareWindow } from './share-window.js';
import { SurfaceThresholds } from './surface-thresholds.js';

/** What a built-in scorer would do until enough is learned. */
const DEFAULT_THRESHOLD = 0.5;

/** Sends a stream of scores and gives what was sent of each. */
function send(scores: readonly number[], share: number, window = new ShareWindow()): boolean[] {
  return scores.map((score) => {
    const isSent = window.isOver(score, share) ?? score >= DEFAULT_THRESHOLD;
    window.learn(score, share, isSent);
    return isSent;
  });
}

function shareOf(sent: readonly boolean[]): number {
  return sent.filter(Boolean).length / sent.length;
}

/** A number that is near a normal one: the mean of twelve. */
function bell(random: SeededRandom, mean: number, deviation: number): number {
  let sum = 0;
  for (let index = 0; index < 12; index += 1) sum += random.next();
  return Math.min(Math.max(mean + deviation * (sum - 6), 0), 1);
}

const share = fc.double({ min: 0.02, max: 0.98, noNaN: true });
const seed = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const RUNS = { numRuns: 100 };

describe('ShareWindow', () => {
  it('says nothing before it has seen enough', () => {
    const window = new ShareWindow();
    for (let index = 0; index < MIN_SAMPLES; index += 1) {
      expect(window.threshold(0.3)).toBeUndefined();
      expect(window.isOver(0.9, 0.3)).toBeUndefined();
      window.learn(index / MIN_SAMPLES, 0.3, index / MIN_SAMPLES >= 0.7);
    }
    // Of scores spread evenly from 0 to 1 three in ten lie above 0.7.
    expect(window.threshold(0.3)).toBeCloseTo(0.7, 1);
  });

  it('sends the share of any stationary stream, within 5 points', () => {
    fc.assert(
      fc.property(share, seed, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (asked, start, mean) => {
        const random = new SeededRandom(start);
        const sent = send(
          Array.from({ length: 2_000 }, () => bell(random, mean, 0.15)),
          asked,
        );
        expect(Math.abs(shareOf(sent) - asked)).toBeLessThan(0.05);
        // And not by making up at the end for what it did at the beginning.
        expect(Math.abs(shareOf(sent.slice(1_000)) - asked)).toBeLessThan(0.05);
      }),
      RUNS,
    );
  });

  it('sends the share of a stream that drifts from one end to the other, in each part of it', () => {
    fc.assert(
      fc.property(share, seed, fc.boolean(), (asked, start, isFalling) => {
        const random = new SeededRandom(start);
        const length = 4_000;
        const sent = send(
          Array.from({ length }, (_, index) => {
            const at = 0.1 + (0.8 * index) / length;
            return bell(random, isFalling ? 1 - at : at, 0.1);
          }),
          asked,
        );
        for (const from of [0, 1_000, 2_000, 3_000]) {
          expect(Math.abs(shareOf(sent.slice(from, from + 1_000)) - asked)).toBeLessThan(0.05);
        }
      }),
      RUNS,
    );
  });

  it('sends the share of a stream that changes its kind all at once', () => {
    fc.assert(
      fc.property(share, seed, (asked, start) => {
        const random = new SeededRandom(start);
        const scores = Array.from({ length: 4_000 }, (_, index) =>
          bell(random, index < 2_000 ? 0.2 : 0.8, 0.05),
        );
        expect(Math.abs(shareOf(send(scores, asked)) - asked)).toBeLessThan(0.05);
      }),
      RUNS,
    );
  });

  it('sends the share of requests that score alike: a few scores, or one', () => {
    fc.assert(
      fc.property(
        share,
        seed,
        fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
        (asked, start, values) => {
          const random = new SeededRandom(start);
          const scores = Array.from(
            { length: 1_500 },
            () => values[Math.floor(random.next() ** 2 * values.length)] ?? 0,
          );
          const sent = send(scores, asked);
          expect(Math.abs(shareOf(sent) - asked)).toBeLessThan(0.05);
          // After the first requests none that scores lower is sent more often than one that scores higher.
          const rates = [...new Set(scores)]
            .toSorted((first, second) => first - second)
            .map((value) => shareOf(sent.filter((_, index) => index >= 500 && scores[index] === value)))
            .filter((rate) => !Number.isNaN(rate));
          rates.slice(1).forEach((rate, index) => {
            expect(rate).toBeGreaterThanOrEqual((rates[index] ?? 0) - 0.05);
          });
        },
      ),
      RUNS,
    );
  });

  it('holds the share within 200 / N of any N in a row, whatever the scores are', () => {
    fc.assert(
      fc.property(
        share,
        fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }), {
          minLength: 1,
          maxLength: 8,
        }),
        (asked, patterns) => {
          const scores = patterns.flatMap((pattern) =>
            Array.from({ length: 1_000 }, (_, index) => pattern[index % pattern.length] ?? 0),
          );
          const sent = send(scores, asked);
          let debt = 0;
          let lowest = 0;
          let highest = 0;
          for (const isSent of sent) {
            debt += asked - (isSent ? 1 : 0);
            lowest = Math.min(lowest, debt);
            highest = Math.max(highest, debt);
          }
          expect(highest - lowest).toBeLessThan(202);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('sends all at 1 and none at 0', () => {
    const random = new SeededRandom(7);
    const scores = Array.from({ length: 600 }, () => random.next());
    expect(shareOf(send(scores, 1).slice(MIN_SAMPLES))).toBe(1);
    expect(shareOf(send(scores, 0).slice(MIN_SAMPLES))).toBe(0);
  });

  it('takes up another share with what it has seen', () => {
    const random = new SeededRandom(11);
    const window = new ShareWindow();
    const draw = (): number[] => Array.from({ length: 1_000 }, () => bell(random, 0.4, 0.1));
    expect(Math.abs(shareOf(send(draw(), 0.2, window)) - 0.2)).toBeLessThan(0.05);
    expect(Math.abs(shareOf(send(draw().slice(0, 300), 0.7, window)) - 0.7)).toBeLessThan(0.05);
  });

  it('gives the same decisions for the same stream, and asking changes nothing', () => {
    fc.assert(
      fc.property(
        share,
        fc.array(fc.constantFrom(0.1, 0.2, 0.3, 0.9), { maxLength: 400 }),
        (asked, scores) => {
          const curious = new ShareWindow();
          const sent = scores.map((score) => {
            for (const other of [0, 0.2, score, 1]) curious.isOver(other, asked);
            const isSent = curious.isOver(score, asked) ?? score >= DEFAULT_THRESHOLD;
            curious.learn(score, asked, isSent);
            return isSent;
          });
          expect(sent).toEqual(send(scores, asked));
        },
      ),
      RUNS,
    );
  });

  it('recovers when somebody else has decided against it for long', () => {
    const random = new SeededRandom(3);
    const window = new ShareWindow();
    for (let index = 0; index < 5_000; index += 1) window.learn(random.next(), 0.3, false);
    const after = send(
      Array.from({ length: 2_000 }, () => random.next()),
      0.3,
      window,
    );
    expect(Math.abs(shareOf(after.slice(1_000)) - 0.3)).toBeLessThan(0.05);
  });

  it('takes a few microseconds a request', () => {
    const random = new SeededRandom(5);
    const scores = Array.from({ length: 20_000 }, () => random.next());
    send(scores, 0.3);
    const roundMs = quickestMs((50 * scores.length) / 1_000, () => send(scores, 0.3));
    const eachUs = (roundMs / scores.length) * 1_000;
    console.info(`share window: ${eachUs.toFixed(2)} us a request`);
    expect(eachUs).toBeLessThan(50);
  });
});

describe('SurfaceThresholds', () => {
  const calibration = { kind: 'share', value: 0.5 } as const;

  it('learns by surface: two kinds of traffic each have their share, where one threshold would fail both', () => {
    fc.assert(
      fc.property(seed, fc.double({ min: 0.2, max: 0.8, noNaN: true }), (start, asked) => {
        const random = new SeededRandom(start);
        const thresholds = new SurfaceThresholds();
        const pooled = new ShareWindow();
        const kinds = { chat: { mean: 0.15, deviation: 0.05 }, proofs: { mean: 0.7, deviation: 0.1 } };
        const sent: Record<keyof typeof kinds, boolean[]> = { chat: [], proofs: [] };
        const sentPooled: Record<keyof typeof kinds, boolean[]> = { chat: [], proofs: [] };
        for (let index = 0; index < 3_000; index += 1) {
          const kind = random.next() < 0.6 ? 'chat' : 'proofs';
          const score = bell(random, kinds[kind].mean, kinds[kind].deviation);
          const own = { kind: 'share', value: asked } as const;
          const { isHard } = thresholds.judge(kind, score, own, DEFAULT_THRESHOLD);
          thresholds.learn(kind, score, own, isHard);
          sent[kind].push(isHard);
          const isOver = pooled.isOver(score, asked) ?? score >= DEFAULT_THRESHOLD;
          pooled.learn(score, asked, isOver);
          sentPooled[kind].push(isOver);
        }
        expect(Math.abs(shareOf(sent.chat) - asked)).toBeLessThan(0.05);
        expect(Math.abs(shareOf(sent.proofs) - asked)).toBeLessThan(0.05);
        expect(Math.abs(shareOf(sentPooled.chat) - asked)).toBeGreaterThan(0.1);
      }),
      { numRuns: 30 },
    );
  });

  it('starts from the default threshold, and forgets surfaces that are gone', () => {
    const thresholds = new SurfaceThresholds();
    const verdict = () => thresholds.judge('support', 0.3, calibration, 0.42);
    expect(verdict()).toEqual({ isHard: false, threshold: 0.42, isLearned: false });
    for (let index = 0; index < 60; index += 1) thresholds.learn('support', index / 200, calibration, false);
    expect(verdict()).toMatchObject({ isHard: true, isLearned: true });
    thresholds.retain(new Set(['support']));
    expect(verdict().isLearned).toBe(true);
    thresholds.retain(new Set(['other']));
    expect(verdict()).toMatchObject({ isLearned: false });
  });

  it('holds a fixed threshold whatever comes, and counts a score on it as hard', () => {
    const thresholds = new SurfaceThresholds();
    const fixed = { kind: 'threshold', value: 0.6 } as const;
    for (let index = 0; index < 500; index += 1) thresholds.learn('support', 0.1, fixed, false);
    expect(thresholds.judge('support', 0.6, fixed, 0.42)).toEqual({
      isHard: true,
      threshold: 0.6,
      isLearned: false,
    });
    expect(thresholds.judge('support', 0.599, fixed, 0.42).isHard).toBe(false);
  });
});
