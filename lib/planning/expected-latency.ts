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
  return length.streamed
    ? expectedFirstTokenMs(signals, prior, length.usage.inputTokens)
    : expectedWholeMs(signals, prior, length.usage.outputTokens);
}

/** Nothing was ever seen of it that tells this latency. */
export function isUnseen(signals: DeploymentSignals, streamed: boolean): boolean {
  return streamed
    ? signals.timeToFirstTokenMs === undefined && signals.firstTokenByInput === undefined
    : signals.latencyMs === undefined && signals.durationByOutput === undefined;
}

function expectedFirstTokenMs(
  { timeToFirstTokenMs, firstTokenByInput, firstTokenSamples }: DeploymentSignals,
  prior: LatencyPrior,
  inputTokens: number,
): number {
  const before = firstTokenByInput?.meanY ?? prior.firstTokenMs;
  const weight = firstTokenByInput === undefined ? PRIOR_SAMPLES : BEFORE_SAMPLES;
  const usual =
    timeToFirstTokenMs === undefined ? before : blend(before, weight, timeToFirstTokenMs, firstTokenSamples);
  return along(firstTokenByInput, usual, inputTokens);
}

function expectedWholeMs(
  { latencyMs, durationByOutput, latencySamples }: DeploymentSignals,
  { firstTokenMs, msPerOutputToken }: LatencyPrior,
  outputTokens: number,
): number {
  const before = durationByOutput?.meanY ?? firstTokenMs + msPerOutputToken * outputTokens;
  const weight = durationByOutput === undefined ? PRIOR_SAMPLES : BEFORE_SAMPLES;
  const usual = latencyMs === undefined ? before : blend(before, weight, latencyMs, latencySamples);
  return along(durationByOutput, usual, outputTokens);
}

function blend(before: number, weight: number, now: number, samples: number): number {
  return (before * weight + now * samples) / (weight + samples);
}

function along(line: Line | undefined, usual: number, length: number): number {
  if (line === undefined || line.slope === 0) return usual;
  return Math.max(usual * MIN_SHARE, usual + line.slope * (length - line.meanX));
}
