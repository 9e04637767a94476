import { LatencyHistogram } from '../observability/histogram.js';
import type { ReplayedRequest } from './replayed-request.js';
import type { DeploymentReplay, ReplayReport, SurfaceReplay } from './replay-report.js';

class SurfaceTally {
  requests = 0;
  succeeded = 0;
  sloMs: number | undefined;
  judged = 0;
  inTime = 0;
  costUsd = 0;
  readonly latencies = new LatencyHistogram();
}

class DeploymentTally {
  attempts = 0;
  failed = 0;
  served = 0;
  costUsd = 0;
  readonly firstTokens = new LatencyHistogram();
}

/** Sums up what became of the requests. Memory is bounded by surfaces and deployments. */
export class ReplayTally {
  readonly #surfaces = new Map<string, SurfaceTally>();
  readonly #deployments = new Map<string, DeploymentTally>();
  readonly #violations = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  #requests = 0;
  #succeeded = 0;
  #fallbacks = 0;
  #shed = 0;
  #rejected = 0;
  #attempts = 0;
  #costUsd = 0;
  #violatingAttempts = 0;

  get requests(): number {
    return this.#requests;
  }

  add(result: ReplayedRequest): void {
    const { outcome, errorCode, attempts, servedBy } = result;
    const surface = entry(this.#surfaces, result.surface, SurfaceTally);
    const isServed = outcome === 'succeeded';
    this.#requests += 1;
    surface.requests += 1;
    surface.sloMs ??= result.sloMs;
    if (isServed) {
      this.#succeeded += 1;
      surface.succeeded += 1;
      if (attempts.length > 1 || servedBy?.tier !== 'primary') this.#fallbacks += 1;
    }
    if (outcome === 'shed') this.#shed += 1;
    if (outcome === 'rejected') this.#rejected += 1;
    if (errorCode !== undefined) add(this.#errors, errorCode);
    const latencyMs = result.streamed ? result.timeToFirstTokenMs : isServed ? result.durationMs : undefined;
    if (isServed && latencyMs !== undefined) surface.latencies.record(latencyMs);
    if (result.sloMs !== undefined && outcome !== 'rejected') {
      surface.judged += 1;
      if (isServed && latencyMs !== undefined && latencyMs <= result.sloMs) surface.inTime += 1;
    }
    for (const attempt of attempts) {
      const deployment = entry(this.#deployments, attempt.deployment, DeploymentTally);
      deployment.attempts += 1;
      if (attempt.outcome === 'failed' || attempt.outcome === 'timed_out') deployment.failed += 1;
      if (attempt.outcome === 'succeeded') deployment.served += 1;
      if (attempt.timeToFirstTokenMs !== undefined) deployment.firstTokens.record(attempt.timeToFirstTokenMs);
      deployment.costUsd += attempt.costUsd;
      surface.costUsd += attempt.costUsd;
      this.#costUsd += attempt.costUsd;
      this.#attempts += 1;
      if (attempt.brokenLimits.length > 0) this.#violatingAttempts += 1;
      for (const limit of attempt.brokenLimits) add(this.#violations, limit);
    }
  }

  report(
    { policy, seed, spanMs }: Pick<ReplayReport, 'policy' | 'seed' | 'spanMs'>,
    peaks: ReadonlyMap<string, { readonly peakInFlight: number }>,
  ): ReplayReport {
    const surfaces = [...this.#surfaces].map(([name, tally]): [string, SurfaceReplay] => [
      name,
      {
        requests: tally.requests,
        succeeded: tally.succeeded,
        sloMs: tally.sloMs,
        judged: tally.judged,
        inTime: tally.inTime,
        sloAttainment: share(tally.inTime, tally.judged),
        latencyMs: tally.latencies.percentiles(),
        costUsd: tally.costUsd,
      },
    ]);
    const deployments = [...this.#deployments].map(([id, tally]): [string, DeploymentReplay] => [
      id,
      {
        attempts: tally.attempts,
        failed: tally.failed,
        served: tally.served,
        share: share(tally.served, this.#succeeded) ?? 0,
        peakInFlight: peaks.get(id)?.peakInFlight ?? 0,
        costUsd: tally.costUsd,
        timeToFirstTokenMs: tally.firstTokens.percentiles(),
      },
    ]);
    let judged = 0;
    let inTime = 0;
    for (const tally of this.#surfaces.values()) {
      judged += tally.judged;
      inTime += tally.inTime;
    }
    return {
      policy,
      seed,
      requests: this.#requests,
      spanMs,
      succeeded: this.#succeeded,
      successRate: share(this.#succeeded, this.#requests) ?? 0,
      sloAttainment: share(inTime, judged),
      costUsd: this.#costUsd,
      floorViolations: this.#violatingAttempts,
      violations: sorted(this.#violations),
      fallbackRate: share(this.#fallbacks, this.#succeeded) ?? 0,
      shedRate: share(this.#shed, this.#requests) ?? 0,
      rejected: this.#rejected,
      attempts: this.#attempts,
      errors: sorted(this.#errors),
      surfaces: sorted(surfaces),
      deployments: sorted(deployments),
    };
  }
}

function entry<Value>(map: Map<string, Value>, key: string, type: new () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = new type();
    map.set(key, value);
  }
  return value;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

/** By name, so that two reports can be laid side by side. Names are the user's: one may well be `constructor`. */
function sorted<Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> {
  const result = Object.create(null) as Record<string, Value>;
  for (const [key, value] of [...entries].sort(([first], [second]) => (first < second ? -1 : 1))) {
    result[key] = value;
  }
  return result;
}
