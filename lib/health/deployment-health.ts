import { capacityOf, findDeferral, isFailing, type PolicyDeployment } from '../planning/index.js';
import type { BreakerState, LiveDeployment } from '../signals/index.js';

/** So many failures in a row are worth a word, also among many calls. */
const TROUBLE_AFTER_FAILURES = 3;

/** Calls among which one failure is an accident. */
const MANY_CALLS = 5;

/** One deployment now, as live traffic has it. */
export interface DeploymentHealth {
  readonly deployment: PolicyDeployment;
  readonly signals: LiveDeployment;
  readonly breaker: BreakerState;
  /** Why it cannot be counted on now, in words without provider text; undefined: it can. */
  readonly trouble: string | undefined;
  /**
   * It does not answer: as many failures as put it behind all others, by their share where calls are many, in a row
   * where they are few. Not while it is only busy or waits out a rate limit: then it has answered.
   */
  readonly isOut: boolean;
  /** Calls it may take on before `maxConcurrency`; undefined: no limit is configured. */
  readonly headroom: number | undefined;
}

function failuresInARow({ consecutiveFailures, samples }: LiveDeployment): string | undefined {
  // Faults older than the window say nothing of now.
  if (samples === 0 || consecutiveFailures === 0) return undefined;
  // Where calls are few the last one has the word; among many, one failure is an accident.
  if (consecutiveFailures < TROUBLE_AFTER_FAILURES && samples >= MANY_CALLS) return undefined;
  return consecutiveFailures === 1 ? 'the last call failed' : `the last ${consecutiveFailures} calls failed`;
}

/** Judges by live traffic alone. A deployment without traffic, or whose faults are past, is well. */
export function judgeDeployment(
  deployment: PolicyDeployment,
  signals: LiveDeployment,
  nowMs: number,
): DeploymentHealth {
  const failures = failuresInARow(signals);
  const capacity = capacityOf(deployment, signals);
  return {
    deployment,
    signals,
    breaker: signals.breaker,
    trouble: findDeferral(deployment, signals, nowMs)?.text ?? failures,
    // Once the window is empty it is not: nobody sends traffic to an instance that is taken out, to prove it well.
    isOut: isFailing(signals) && signals.samples > 0,
    headroom: capacity === undefined ? undefined : Math.max(0, capacity - signals.inFlight),
  };
}

/** Together; undefined where one of them has no limit. */
export function sumHeadroom(healths: readonly DeploymentHealth[]): number | undefined {
  let sum = 0;
  for (const { headroom } of healths) {
    if (headroom === undefined) return undefined;
    sum += headroom;
  }
  return healths.length === 0 ? undefined : sum;
}
