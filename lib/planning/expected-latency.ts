import type { Line } from '../signals/index.js';
import type { ExpectedUsage } from './expected-cost.js';
import type { LatencyPrior } from './latency-prior.js';
import type { DeploymentSignals } from './signals-snapshot.js';

/** The prior counts as so many samples, ... */
const PRIOR_SAMPLES = 2;
/** ... and what the deployment was like before now as so many: what a few calls of now say is mostly chance. */
const BEFORE_SAMPLES = 16;
/** A line is not believed below this share of what is usual: nothing is free. */
const MIN_SHARE = 0.2;

/** What is asked for: the length of a request and of its answer, as far as that can be told. */
export interface ExpectedLength {
  readonly streamed: boolean;
  readonly usage: Pick<ExpectedUsage, 'inputTokens' | 'outputTokens'>;
}

/**
 * The latency to expect of a call, in milliseconds: the time to the first token of a stream, else the time of the whole
 * answer. From the median of the deployment's last half minute, moved along the line that its times follow with the
 * length; before there are samples from what it was like before, and at first from the prior.
 */
export function expectedLatencyMs(
  signals: DeploymentSignals,
  prior: LatencyPrior,
  length: ExpectedLength,
): number {
  const { streamed, usage } = length;
  const line = streamed ? signals.firstTokenByInput : signals.durationByOutput;
  const usualMs = usualMsOf(signals, prior, streamed, usage.outputTokens);
  if (line === undefined) return usualMs;
  return movedAlong(usualMs, line.slope, line.meanX, streamed ? usage.inputTokens : usage.outputTokens);
}

/** Nothing was ever seen of it that tells this latency. */
export function isUnseen(signals: DeploymentSignals, streamed: boolean): boolean {
  return streamed
    ? signals.timeToFirstTokenMs === undefined && signals.firstTokenByInput === undefined
    : signals.latencyMs === undefined && signals.durationByOutput === undefined;
}

/** Of a request of the usual length; of its own length only where nothing whole was seen, and the prior has to tell. */
export function usualMsOf(
  signals: DeploymentSignals,
  { firstTokenMs, msPerOutputToken }: LatencyPrior,
  streamed: boolean,
  outputTokens: number,
): number {
  return streamed
    ? blend(signals.firstTokenByInput, firstTokenMs, signals.timeToFirstTokenMs, signals.firstTokenSamples)
    : blend(
        signals.durationByOutput,
        firstTokenMs + msPerOutputToken * outputTokens,
        signals.latencyMs,
        signals.latencySamples,
      );
}

function blend(line: Line | undefined, priorMs: number, nowMs: number | undefined, samples: number): number {
  const beforeMs = line?.meanY ?? priorMs;
  if (nowMs === undefined) return beforeMs;
  const weight = line === undefined ? PRIOR_SAMPLES : BEFORE_SAMPLES;
  return (beforeMs * weight + nowMs * samples) / (weight + samples);
}

/** What is usual moved along a line to another length. */
export function movedAlong(usualMs: number, slope: number, meanLength: number, length: number): number {
  if (slope === 0) return usualMs;
  return Math.max(usualMs * MIN_SHARE, usualMs + slope * (length - meanLength));
}
