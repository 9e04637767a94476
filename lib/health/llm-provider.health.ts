import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { findDeferral } from '../planning/index.js';
import { RouterEngine } from '../router/index.js';

const FAILING_AFTER = 3;

/** Terminus 11 has no `degraded`, whatever the installed types say. */
type EitherSession = Pick<HealthIndicatorSession, 'up'> & Partial<Pick<HealthIndicatorSession, 'degraded'>>;
type HealthIndicatorSession = ReturnType<HealthIndicatorService['check']>;

/** Rounded: a health answer is read by people. */
function share(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/**
 * Terminus indicators of the providers, from live traffic: no probe, no token spent. A provider without traffic is up;
 * one that fails is `degraded`, because the router still serves by the others. On Terminus 11, which has no
 * `degraded`, it is `up` with `degraded: true` in the detail.
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
    const session: EitherSession = this.health.check(key);
    const { detail, isDegraded } = this.inspect(provider);
    if (!isDegraded) return session.up(detail);
    return session.degraded?.(detail) ?? session.up({ ...detail, degraded: true });
  }

  private inspect(provider: string): { detail: Record<string, unknown>; isDegraded: boolean } {
    const nowMs = Date.now();
    let samples = 0;
    let errors = 0;
    let inFlight = 0;
    let lastSuccessAtMs = 0;
    let lastErrorAtMs = 0;
    let lastErrorKind: string | undefined;
    const troubled: string[] = [];
    for (const model of this.engine.runtime.policy.models.values()) {
      for (const deployment of model.deployments) {
        if (deployment.provider !== provider) continue;
        const signals = this.engine.signals.of(deployment.id);
        samples += signals.samples;
        errors += signals.errorRate * signals.samples;
        inFlight += signals.inFlight;
        lastSuccessAtMs = Math.max(lastSuccessAtMs, signals.lastSuccessAtMs ?? 0);
        if ((signals.lastErrorAtMs ?? 0) > lastErrorAtMs) {
          lastErrorAtMs = signals.lastErrorAtMs ?? 0;
          lastErrorKind = signals.lastErrorKind;
        }
        const deferral = findDeferral(deployment, signals, nowMs);
        if (deferral !== undefined) troubled.push(`${model.name}: ${deferral}`);
        else if (signals.samples > 0 && signals.consecutiveFailures >= FAILING_AFTER) {
          troubled.push(`${model.name}: the last ${signals.consecutiveFailures} calls failed`);
        }
      }
    }
    const kpi = this.engine.kpis.provider(provider);
    return {
      isDegraded: troubled.length > 0,
      detail: {
        inFlight,
        recentCalls: samples,
        recentErrorRate: samples === 0 ? 0 : share(errors / samples),
        p95LatencyMs: kpi?.latencyMs?.p95 ?? null,
        p95TimeToFirstTokenMs: kpi?.timeToFirstTokenMs?.p95 ?? null,
        lastSuccessAt: lastSuccessAtMs === 0 ? null : new Date(lastSuccessAtMs).toISOString(),
        lastErrorAt: lastErrorAtMs === 0 ? null : new Date(lastErrorAtMs).toISOString(),
        lastErrorKind: lastErrorKind ?? null,
        ...(troubled.length > 0 ? { trouble: troubled } : {}),
      },
    };
  }
}
