export { LiveSignals, type LiveDeployment } from './live-signals.js';
export { type CallSample, p95, type RecentCalls, summariseRecent } from './recent-calls.js';
