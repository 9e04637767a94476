import type { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

/** Terminus 11 has no `degraded`, whatever the installed types say. */
type EitherSession = Pick<HealthIndicatorSession, 'up' | 'down'> &
  Partial<Pick<HealthIndicatorSession, 'degraded'>>;
type HealthIndicatorSession = ReturnType<HealthIndicatorService['check']>;

export type HealthVerdict = 'up' | 'degraded' | 'down';

/** A result of either Terminus: on 11, `degraded` is `up` with `degraded: true` in the detail. */
export function toTerminus(
  health: HealthIndicatorService,
  key: string,
  verdict: HealthVerdict,
  detail: Record<string, unknown>,
): HealthIndicatorResult {
  const session: EitherSession = health.check(key);
  if (verdict === 'down') return session.down(detail);
  if (verdict === 'up') return session.up(detail);
  return session.degraded?.(detail) ?? session.up({ ...detail, degraded: true });
}
