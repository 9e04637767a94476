import type { Tier } from '../telemetry/records.js';

/** Target latencies of tiers that name none. */
export const DEFAULT_TARGET_LATENCY_MS: Readonly<Record<Tier, number>> = {
  primary: 1_500,
  secondary: 3_000,
  tertiary: 10_000,
};
