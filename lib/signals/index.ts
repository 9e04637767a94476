export type { BreakerSettings, BreakerState } from './circuit-breaker.js';
export type { ConcurrencySettings } from './concurrency-limit.js';
export { LiveSignals, type LiveDeployment, type SignalsSettings } from './live-signals.js';
export { type CallSample, p95, type RecentCalls, summariseRecent } from './recent-calls.js';
export type { Line } from './decayed-line.js';
export type { MinuteLimits } from './minute-usage.js';
