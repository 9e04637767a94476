import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { KeyHealth } from '../providers/key-health.js';
import { RouterEngine } from '../router/index.js';
import { describeDeployment, describeDeployments, describeProbe } from './describe-deployments.js';
import { judgeDeployment } from './deployment-health.js';
import { latest } from './presentation.js';
import { ProviderProbe, type ProbeResult } from './provider-probe.js';
import { hasTraffic, modelsInRules } from './rule-deployments.js';
import { toTerminus } from './terminus.js';

/** A health answer is fetched every few seconds: it stays small, whatever is configured. */
const MAX_DEPLOYMENTS = 20;

/**
 * Terminus indicators of the providers, from live traffic: no probe, no token spent. A provider without traffic is up;
 * one that fails is `degraded`, because the router still serves by the others. On Terminus 11, which has no
 * `degraded`, it is `up` with `degraded: true` in the detail.
 *
 * The detail has names, counts and times, and nothing else: no key, URL or text of a provider.
 * - `breaker`: the worst of its deployments: `open`, put behind all others by its own faults; `half_open`, its pause is
 *   over and the next call is a trial; `ramping`, its traffic returns step by step; `closed`.
 * - `recentCalls`, `recentErrorRate`, `p95LatencyMs` (whole answers), `p95TimeToFirstTokenMs` (streams): over at most
 *   the last 64 calls of each deployment in the last 30 seconds; null where there was none. A rate limit or a request
 *   the caller got wrong is no error here. What was since the boot is in the KPIs.
 * - `lastSuccessAt`, `lastErrorAt`, `lastErrorKind`: since the boot, rate limits included.
 * - `inFlight`; `headroom`: calls more until `maxConcurrency`, null without one; `rateLimitedUntil`: the end of the
 *   wait that a 429 asked for.
 * - `trouble`: why it is degraded; `deployments`: the same by deployment, at most 20, those in trouble first. Of the
 *   models in rules and pins and of those that have been called, here as above.
 * - `probe`, where `health.probe` is enabled: the last one's `status`, `checkedAt`, `latencyMs` and `errorKind`. A
 *   failed one makes the provider degraded unless a call has succeeded since. None is made while there is traffic.
 * - `keys`, where the provider is let in by keys: how many there are (`total`), how many of them are not refused
 *   (`usable`), and the positions, from 1, of those that are (`refused`), which make the provider degraded.
 *
 * @example
 * ```ts
 * @Get('health') @HealthCheck()
 * check() {
 *   return this.health.check(this.providers.names().map((name) => () => this.providers.isHealthy(name)));
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class LlmProviderHealthIndicator {
  /** @internal */
  constructor(
    private readonly engine: RouterEngine,
    private readonly probe: ProviderProbe,
    private readonly health: HealthIndicatorService,
  ) {}

  /** The configured providers. */
  names(): string[] {
    return [...this.engine.runtime.clients.keys()];
  }

  /**
   * @param key - The key in the health result; the provider's name by default.
   * @throws TypeError for a name that is not configured.
   */
  isHealthy(provider: string, key = provider): HealthIndicatorResult {
    if (!this.engine.runtime.clients.has(provider)) {
      throw new TypeError(`There is no LLM provider "${provider}"; configured: ${this.names().join(', ')}`);
    }
    const nowMs = Date.now();
    const { policy } = this.engine.runtime;
    const inRules = modelsInRules(policy);
    const deployments = [...policy.models.values()]
      .flatMap((model) => model.deployments)
      .filter((deployment) => deployment.provider === provider)
      .map((deployment) => judgeDeployment(deployment, this.engine.signals.of(deployment.id), nowMs))
      // A client may name any model of the catalogue: those nobody has named yet would only fill the page.
      .filter(({ deployment, signals }) => inRules.has(deployment.model) || hasTraffic(signals));
    const lastSuccessAtMs = latest(deployments.map(({ signals }) => signals.lastSuccessAtMs));
    const probed = this.probe.resultOf(provider);
    const keys = this.engine.runtime.clients.get(provider)?.keyHealth?.();
    const trouble = [
      ...deployments
        .filter((deployment) => deployment.trouble !== undefined)
        .map(({ deployment, trouble: reason }) => `${deployment.model.name}: ${reason ?? ''}`),
      ...(isProbeTrouble(probed, lastSuccessAtMs) ? [`probe: ${probed?.errorKind ?? 'failed'}`] : []),
      ...troubleOfKeys(keys),
    ];
    const detail = {
      ...describeDeployments(this.engine.signals, deployments, nowMs),
      ...(probed === undefined ? {} : { probe: describeProbe(probed) }),
      ...(keys === undefined ? {} : { keys: describeKeys(keys) }),
      ...(trouble.length > 0 ? { trouble: trouble.slice(0, MAX_DEPLOYMENTS) } : {}),
      deployments: [...deployments]
        .sort((first, second) => Number(second.trouble !== undefined) - Number(first.trouble !== undefined))
        .slice(0, MAX_DEPLOYMENTS)
        .map((deployment) => describeDeployment(this.engine.signals, deployment, nowMs)),
    };
    return toTerminus(this.health, key, trouble.length > 0 ? 'degraded' : 'up', detail);
  }
}

/** Live traffic knows better: a call that has succeeded since overrules a failed probe. */
function isProbeTrouble(probed: ProbeResult | undefined, lastSuccessAtMs: number | undefined): boolean {
  return probed?.status === 'failed' && (lastSuccessAtMs ?? 0) <= probed.checkedAtMs;
}

function describeKeys({ total, usable, refused }: KeyHealth): Record<string, unknown> {
  return { total, usable, refused: refused.slice(0, MAX_DEPLOYMENTS) };
}

function troubleOfKeys(keys: KeyHealth | undefined): string[] {
  if (keys === undefined || keys.refused.length === 0) return [];
  return [`keys: ${keys.refused.length} of ${keys.total} refused`];
}
