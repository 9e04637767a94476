import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedLatencyMs } from './expected-latency.js';
import { latencyPrior } from './latency-prior.js';
import { UNKNOWN_SIGNALS } from './signals-snapshot.js';

const PRIOR = { firstTokenMs: 600, msPerOutputToken: 10 };
const STREAM = { streamed: true, usage: { inputTokens: 1_000, outputTokens: 200 } };
const WHOLE = { ...STREAM, streamed: false };

describe('expectedLatencyMs', () => {
  it('is the prior of a deployment that nothing is known of', () => {
    expect(expectedLatencyMs(UNKNOWN_SIGNALS, PRIOR, STREAM)).toBe(600);
    expect(expectedLatencyMs(UNKNOWN_SIGNALS, PRIOR, WHOLE)).toBe(2_600);
  });

  it('comes nearer to what is seen with each sample', () => {
    const at = (samples: number): number =>
      expectedLatencyMs(
        { ...UNKNOWN_SIGNALS, firstTokenSamples: samples, timeToFirstTokenMs: 200 },
        PRIOR,
        STREAM,
      );
    expect(at(2)).toBe(400);
    expect(at(62)).toBeCloseTo(212.5, 6);
  });

  it('falls back on what it was like before, where there is nothing of now', () => {
    const firstTokenByInput = { meanX: 500, meanY: 350, slope: 0, weight: 300 };
    expect(expectedLatencyMs({ ...UNKNOWN_SIGNALS, firstTokenByInput }, PRIOR, STREAM)).toBe(350);
  });

  it('grows with the prompt of a stream and with the answer of a whole one, as the deployment has shown', () => {
    const signals = {
      ...UNKNOWN_SIGNALS,
      firstTokenSamples: 1_000_000,
      latencySamples: 1_000_000,
      timeToFirstTokenMs: 400,
      latencyMs: 3_000,
      firstTokenByInput: { meanX: 1_000, meanY: 400, slope: 0.1, weight: 300 },
      durationByOutput: { meanX: 200, meanY: 3_000, slope: 12, weight: 300 },
    };
    const stream = (inputTokens: number): number =>
      expectedLatencyMs(signals, PRIOR, { streamed: true, usage: { inputTokens, outputTokens: 200 } });
    expect(stream(1_000)).toBeCloseTo(400, 1);
    expect(stream(11_000)).toBeCloseTo(1_400, 1);
    const whole = (outputTokens: number): number =>
      expectedLatencyMs(signals, PRIOR, { streamed: false, usage: { inputTokens: 1_000, outputTokens } });
    expect(whole(300)).toBeCloseTo(4_200, 1);
    // Nothing is free.
    expect(whole(0)).toBeCloseTo(600, 1);
  });

  it('is never less for more latency, and never nothing', () => {
    const ms = fc.integer({ min: 1, max: 60_000 });
    const line = fc.record({
      meanX: fc.nat(5_000),
      meanY: ms,
      slope: fc.double({ min: 0, max: 50, noNaN: true }),
      weight: fc.nat(300),
    });
    fc.assert(
      fc.property(
        ms,
        fc.nat(60_000),
        fc.nat(128),
        fc.option(line, { nil: undefined }),
        fc.nat(8_000),
        fc.boolean(),
        (low, more, samples, known, tokens, streamed) => {
          const of = (latency: number): number =>
            expectedLatencyMs(
              {
                ...UNKNOWN_SIGNALS,
                firstTokenSamples: samples,
                latencySamples: samples,
                timeToFirstTokenMs: latency,
                latencyMs: latency,
                firstTokenByInput: known,
                durationByOutput: known,
              },
              PRIOR,
              { streamed, usage: { inputTokens: tokens, outputTokens: tokens } },
            );
          expect(of(low + more)).toBeGreaterThanOrEqual(of(low));
          expect(of(low)).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('latencyPrior', () => {
  it('takes dear models for slow, and those that think for slower', () => {
    const cheap = latencyPrior({ inputPer1M: 0.1, outputPer1M: 0.4 }, 'never');
    const dear = latencyPrior({ inputPer1M: 15, outputPer1M: 75 }, 'never');
    expect(dear.firstTokenMs).toBeGreaterThan(cheap.firstTokenMs);
    expect(dear.msPerOutputToken).toBeGreaterThan(cheap.msPerOutputToken);
    expect(latencyPrior({ inputPer1M: 0.1, outputPer1M: 0.4 }, 'always').firstTokenMs).toBeGreaterThan(5_000);
    expect(latencyPrior(undefined, 'never')).toEqual(
      latencyPrior({ inputPer1M: 0, outputPer1M: 0 }, 'never'),
    );
  });
});
