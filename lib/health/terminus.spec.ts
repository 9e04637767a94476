import { HealthIndicatorService } from '@nestjs/terminus';
import { describe, expect, it } from 'vitest';
import { toTerminus } from './terminus.js';

/** What Terminus 11.1 has: a session that knows up and down alone. */
const TERMINUS_11 = {
  check: (key: string) => ({
    up: (data: object) => ({ [key]: { status: 'up', ...data } }),
    down: (data: object) => ({ [key]: { status: 'down', ...data } }),
  }),
} as unknown as HealthIndicatorService;

describe('toTerminus', () => {
  it.each(['up', 'degraded', 'down'] as const)('says %s on Terminus 12', (verdict) => {
    expect(toTerminus(new HealthIndicatorService(), 'key', verdict, { inFlight: 1 })).toEqual({
      key: { status: verdict, inFlight: 1 },
    });
  });

  it('says degraded in the detail on Terminus 11, and stays up', () => {
    expect(toTerminus(TERMINUS_11, 'key', 'degraded', { inFlight: 1 })).toEqual({
      key: { status: 'up', inFlight: 1, degraded: true },
    });
    expect(toTerminus(TERMINUS_11, 'key', 'up', {})).toEqual({ key: { status: 'up' } });
    expect(toTerminus(TERMINUS_11, 'key', 'down', {})).toEqual({ key: { status: 'down' } });
  });
});
