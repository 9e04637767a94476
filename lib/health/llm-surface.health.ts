import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { INTERACTIVE_SLO_MS, type PolicyDeployment, type PolicySurface } from '../planning/index.js';
import { RouterEngine } from '../router/index.js';
import type { BreakerState } from '../signals/index.js';
import { type DeploymentHealth, judgeDeployment, sumHeadroom } from './deployment-health.js';
import { isoTime, share, wholeMs } from './presentation.js';
import { RecentRequests } from './recent-requests.js';
import { type ClassAbility, findAbility } from './surface-ability.js';
import { toTerminus } from './terminus.js';

/** A health answer is fetched every few seconds: it stays small, whatever is configured. */
const MAX_CLASSES = 20;
const MAX_MODELS = 10;

/**
 * Terminus indicators of the surfaces: can each be served now, by what, and how has it been? From live traffic and the
 * configuration alone. `up`: every request class has an able deployment in its first tier. `degraded`: a class has only
 * fallbacks, or nothing that is able now. `down`: no class of it has a deployment that answers: five failures in a row, or
 * half of five and more calls. Full ones (`maxConcurrency`) and those that wait out a 429 do answer. No traffic yet is up,
 * and a deployment whose wait is over counts as able.
 *
 * An outage of providers is no reason to take an instance away: for the probe that decides on that, {@link isReady} is
 * there, whose `down` is for surfaces of `health.failOnSurfaces` alone.
 *
 * The detail has names, counts and times, and nothing else:
 * - `classes`: by request class the `eligible` deployments (over the surface's floors, under the rule's price), how
 *   many are `able` now, the `tier` that serves now and the `models` able; at most 20 classes, 10 models each.
 * - `breaker`: `closed` while every class has a deployment whose breaker is; else that of the class that is worst off.
 * - `recentRequests`, `recentErrorRate`, `p95LatencyMs` (whole answers), `p95TimeToFirstTokenMs` (streams): over at
 *   most the last 256 requests of the last five minutes, after all fallbacks; null where there was none.
 * - `latencySloMs` with `isWithinSlo`: whether the p95 of first tokens and whole answers together keeps it; where the
 *   surface sets none, the default of interactive work and first tokens alone.
 * - `lastSuccessAt`, `lastErrorAt`, `lastErrorCode`: since the boot.
 * - `headroom`: calls more until its able deployments are at `maxConcurrency`; null where one has no limit.
 * - `trouble`: why it is not up.
 *
 * @example
 * ```ts
 * @Get('health') @HealthCheck()
 * check() {
 *   return this.health.check(this.surfaces.names().map((name) => () => this.surfaces.isHealthy(name)));
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class LlmSurfaceHealthIndicator {
  readonly #recent: RecentRequests;

  /** @internal */
  constructor(
    private readonly engine: RouterEngine,
    private readonly health: HealthIndicatorService,
  ) {
    this.#recent = new RecentRequests(engine.bus, (surface) => engine.runtime.policy.surfaces.has(surface));
    engine.onReconfigured(() => {
      this.#recent.forgetUnknown();
    });
  }

  /** The configured surfaces. */
  names(): string[] {
    return [...this.engine.runtime.policy.surfaces.keys()];
  }

  /**
   * @param key - The key in the health result; `surface.` and the name by default, so that a provider may have the same
   * name.
   * @throws TypeError for a name that is not configured.
   */
  isHealthy(surface: string, key = `surface.${surface}`): HealthIndicatorResult {
    return this.check(surface, key, () => true);
  }

  /**
   * As {@link isHealthy}, but a surface that is down and not in `health.failOnSurfaces` is `degraded`: what a readiness
   * probe may go by.
   */
  isReady(surface: string, key = `surface.${surface}`): HealthIndicatorResult {
    return this.check(surface, key, () => this.isNeeded(surface));
  }

  /** The surfaces that nothing can serve now. */
  down(): string[] {
    return [...this.engine.runtime.policy.surfaces.values()]
      .filter((surface) => isDown(this.abilityOf(surface)))
      .map(({ name }) => name);
  }

  private check(surface: string, key: string, mayBeDown: () => boolean): HealthIndicatorResult {
    const configured = this.engine.runtime.policy.surfaces.get(surface);
    if (configured === undefined) {
      throw new TypeError(`There is no surface "${surface}"; configured: ${this.names().join(', ')}`);
    }
    const ability = this.abilityOf(configured);
    const trouble = ability.map(troubleOf).filter((reason) => reason !== undefined);
    const verdict = isDown(ability) && mayBeDown() ? 'down' : trouble.length > 0 ? 'degraded' : 'up';
    return toTerminus(this.health, key, verdict, {
      ...(configured.pin === undefined ? {} : { pinnedTo: configured.pin.name }),
      ...this.describe(configured),
      breaker: breakerOf(ability),
      headroom: sumHeadroom([...new Set(ability.flatMap(({ able }) => able))]) ?? null,
      classes: ability.slice(0, MAX_CLASSES).map(describeClass),
      ...(trouble.length > 0 ? { trouble: trouble.slice(0, MAX_CLASSES) } : {}),
    });
  }

  /** The surfaces of `health.failOnSurfaces` that cannot be served at all now. */
  failing(): string[] {
    return this.down().filter((name) => this.isNeeded(name));
  }

  private isNeeded(surface: string): boolean {
    return this.engine.configuration.health.failOnSurfaces?.includes(surface) === true;
  }

  private abilityOf(surface: PolicySurface): ClassAbility[] {
    const nowMs = Date.now();
    const judged = new Map<PolicyDeployment, DeploymentHealth>();
    return findAbility(this.engine.runtime.policy, surface, (deployment) => {
      const known =
        judged.get(deployment) ?? judgeDeployment(deployment, this.engine.signals.of(deployment.id), nowMs);
      judged.set(deployment, known);
      return known;
    });
  }

  private describe(surface: PolicySurface): Record<string, unknown> {
    const recent = this.#recent.of(surface.name);
    const sloMs =
      surface.latencySloMs ?? (surface.workload === 'interactive' ? INTERACTIVE_SLO_MS : undefined);
    // The default is meant for streams: whole answers rarely take so little.
    const slowMs = surface.latencySloMs === undefined ? recent.p95TimeToFirstTokenMs : recent.p95SloLatencyMs;
    return {
      recentRequests: recent.calls,
      recentErrorRate: share(recent.errorRate),
      p95LatencyMs: wholeMs(recent.p95LatencyMs),
      p95TimeToFirstTokenMs: wholeMs(recent.p95TimeToFirstTokenMs),
      latencySloMs: sloMs ?? null,
      isWithinSlo: sloMs === undefined || slowMs === undefined ? null : slowMs <= sloMs,
      lastSuccessAt: isoTime(recent.lastSuccessAtMs),
      lastErrorAt: isoTime(recent.lastErrorAtMs),
      lastErrorCode: recent.lastErrorCode ?? null,
    };
  }
}

/** From the best to the worst. */
const BREAKER_STATES: readonly BreakerState[] = ['closed', 'ramping', 'half_open', 'open'];

/** A class is as well off as its best deployment, a surface as its worst class. */
function breakerOf(ability: readonly ClassAbility[]): BreakerState {
  const rank = ({ breaker }: DeploymentHealth): number => BREAKER_STATES.indexOf(breaker);
  const classes = ability.map(({ eligible }) =>
    eligible.length === 0 ? 0 : Math.min(...eligible.map(rank)),
  );
  return BREAKER_STATES[Math.max(0, ...classes)] ?? 'closed';
}

/** Nothing of it answers. Whether that is for good, nobody knows. */
function isDown(ability: readonly ClassAbility[]): boolean {
  const eligible = ability.flatMap((one) => one.eligible);
  return eligible.length > 0 && eligible.every(({ isOut }) => isOut);
}

function troubleOf({ requestClass, eligible, firstTier, servingTier }: ClassAbility): string | undefined {
  // Refused on every day: the boot has warned of it.
  if (eligible.length === 0 || servingTier === firstTier) return undefined;
  return servingTier === undefined
    ? `${requestClass}: none of ${eligible.length} deployments is able`
    : `${requestClass}: only fallbacks are able (${servingTier})`;
}

function describeClass({ requestClass, eligible, able, servingTier }: ClassAbility): Record<string, unknown> {
  const models = [...new Set(able.map(({ deployment }) => deployment.model.name))];
  return {
    class: requestClass,
    eligible: eligible.length,
    able: able.length,
    tier: servingTier ?? null,
    models: models.slice(0, MAX_MODELS),
  };
}
