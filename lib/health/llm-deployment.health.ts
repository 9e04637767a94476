import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { PolicyDeployment } from '../planning/index.js';
import { RouterEngine } from '../router/index.js';
import { describeDeployment, describeProbe } from './describe-deployments.js';
import { judgeDeployment } from './deployment-health.js';
import { ProviderProbe } from './provider-probe.js';
import { deploymentsInRules } from './rule-deployments.js';
import { toTerminus } from './terminus.js';

/**
 * Terminus indicators of the deployments, one model at one provider each, from live traffic. One without traffic is up; one
 * that cannot be counted on now is `degraded`, because the router serves by the others: whether those are enough is what
 * {@link LlmSurfaceHealthIndicator} says. On Terminus 11 as in {@link LlmProviderHealthIndicator}, whose detail this has,
 * with `provider` and `isOut`: it does not answer, by its breaker.
 *
 * @example
 * ```ts
 * @Get('health/models') @HealthCheck()
 * check() {
 *   return this.health.check(this.deployments.names().map((name) => () => this.deployments.isHealthy(name)));
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class LlmDeploymentHealthIndicator {
  /** @internal */
  constructor(
    private readonly engine: RouterEngine,
    private readonly probe: ProviderProbe,
    private readonly health: HealthIndicatorService,
  ) {}

  /** Those of the models in rules and pins, as `provider/model`. */
  names(): string[] {
    return deploymentsInRules(this.engine.runtime.policy).map(({ id }) => id);
  }

  /**
   * @param deployment - Any that is configured, also one in no rule.
   * @param key - The key in the health result; `deployment.` and the name by default.
   * @throws TypeError for a name that is not configured.
   */
  isHealthy(deployment: string, key = `deployment.${deployment}`): HealthIndicatorResult {
    const configured = this.find(deployment);
    if (configured === undefined) {
      throw new TypeError(`There is no deployment "${deployment}"; in rules: ${this.names().join(', ')}`);
    }
    const nowMs = Date.now();
    const { signals } = this.engine;
    const health = judgeDeployment(configured, signals.of(configured.id), nowMs);
    const probed = this.probe.resultOfDeployment(configured.id);
    return toTerminus(this.health, key, health.trouble === undefined ? 'up' : 'degraded', {
      provider: configured.provider,
      isOut: health.isOut,
      ...describeDeployment(signals, health, nowMs),
      ...(probed === undefined ? {} : { probe: describeProbe(probed) }),
    });
  }

  private find(id: string): PolicyDeployment | undefined {
    for (const { deployments } of this.engine.runtime.policy.models.values()) {
      const found = deployments.find((deployment) => deployment.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
