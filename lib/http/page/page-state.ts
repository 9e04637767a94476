import type { HealthIndicatorResult } from '@nestjs/terminus';
import type { LlmProviderHealthIndicator, LlmSurfaceHealthIndicator } from '../../health/index.js';
import type { RouterEngine } from '../../router/index.js';

/** `out`: whatever of it was called lately does not answer. */
export type PageStatus = 'up' | 'degraded' | 'out' | 'down';

interface PageFigures {
  readonly state: PageStatus;
  readonly breaker: string;
  readonly inFlight: number;
  readonly recentCalls: number;
  readonly recentErrorRate: number;
  readonly p95LatencyMs: number | null;
  readonly p95TimeToFirstTokenMs: number | null;
  readonly trouble: string | null;
}

export interface PageDeployment extends PageFigures {
  readonly deployment: string;
  readonly model: string;
}

export interface PageProvider extends PageFigures {
  readonly name: string;
  readonly deployments: readonly PageDeployment[];
}

export interface PageSurface {
  readonly name: string;
  readonly state: PageStatus;
  readonly recentRequests: number;
  readonly recentErrorRate: number;
  readonly p95LatencyMs: number | null;
  readonly p95TimeToFirstTokenMs: number | null;
  readonly latencySloMs: number | null;
  readonly trouble: string | null;
}

/** What the page shows live, beside what the other routes have. */
export interface PageState {
  readonly at: string;
  readonly policyHash: string;
  readonly providers: readonly PageProvider[];
  readonly surfaces: readonly PageSurface[];
}

/** The detail of a health indicator, as far as it is read here. */
type Detail = Readonly<Record<string, unknown>>;

/** So many of its last calls failed that it cannot be counted on. */
const MOSTLY_FAILING = 0.5;

export function pageStateOf(
  engine: RouterEngine,
  providers: LlmProviderHealthIndicator,
  surfaces: LlmSurfaceHealthIndicator,
): PageState {
  return {
    at: new Date().toISOString(),
    policyHash: engine.runtime.policy.hash,
    providers: providers.names().map((name) => providerOf(name, detailOf(providers.isHealthy(name), name))),
    surfaces: surfaces.names().map((name) => {
      const key = `surface.${name}`;
      return surfaceOf(name, detailOf(surfaces.isHealthy(name, key), key));
    }),
  };
}

function detailOf(result: HealthIndicatorResult, key: string): Detail {
  return result[key] ?? {};
}

function providerOf(name: string, detail: Detail): PageProvider {
  const parts = Array.isArray(detail.deployments) ? (detail.deployments as readonly Detail[]) : [];
  const deployments = parts.map((part): PageDeployment => ({
    deployment: text(part.deployment),
    model: text(part.model),
    ...figuresOf(part, isOut(part) ? 'out' : isInTrouble(part) ? 'degraded' : 'up'),
  }));
  const called = parts.filter((part) => count(part.recentCalls) > 0 || part.breaker !== 'closed');
  const isAllOut = called.length > 0 && called.every(isOut);
  return {
    name,
    deployments,
    ...figuresOf(detail, isAllOut ? 'out' : isInTrouble(detail) ? 'degraded' : 'up'),
  };
}

function surfaceOf(name: string, detail: Detail): PageSurface {
  const { status } = detail;
  return {
    name,
    state: status === 'down' ? 'down' : isInTrouble(detail) ? 'degraded' : 'up',
    recentRequests: count(detail.recentRequests),
    recentErrorRate: count(detail.recentErrorRate),
    p95LatencyMs: milliseconds(detail.p95LatencyMs),
    p95TimeToFirstTokenMs: milliseconds(detail.p95TimeToFirstTokenMs),
    latencySloMs: milliseconds(detail.latencySloMs),
    trouble: troubleOf(detail),
  };
}

function figuresOf(detail: Detail, state: PageStatus): PageFigures {
  return {
    state,
    breaker: text(detail.breaker),
    inFlight: count(detail.inFlight),
    recentCalls: count(detail.recentCalls),
    recentErrorRate: count(detail.recentErrorRate),
    p95LatencyMs: milliseconds(detail.p95LatencyMs),
    p95TimeToFirstTokenMs: milliseconds(detail.p95TimeToFirstTokenMs),
    trouble: troubleOf(detail),
  };
}

/** It does not answer: its breaker is open, or most of its last calls failed. */
function isOut(detail: Detail): boolean {
  const isFailing = count(detail.recentCalls) > 0 && count(detail.recentErrorRate) >= MOSTLY_FAILING;
  return detail.breaker === 'open' || isFailing;
}

function isInTrouble({ trouble }: Detail): boolean {
  return Array.isArray(trouble) ? trouble.length > 0 : trouble !== undefined;
}

function troubleOf({ trouble }: Detail): string | null {
  if (Array.isArray(trouble)) return trouble.map(text).join('; ');
  return trouble === undefined ? null : text(trouble);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function milliseconds(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
