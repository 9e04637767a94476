export {
  ASSUMED_BEHAVIOUR,
  type DeploymentBehaviour,
  type DeploymentChange,
  type DeploymentEvent,
  type SimulatedWorld,
} from './deployment-behaviour.js';
export { betweenQuantiles, type Distribution, logNormal } from './distribution.js';
export { assumedDeployments, buildWorld, loadScript, readScript } from './read-script.js';
export { readTrace, type ReadTraceOptions, type Trace } from './read-trace.js';
export { replay, type ReplayOptions, type ReplayStage } from './replay.js';
export type { ReplayedAttempt, ReplayedRequest, ReplayedRouter } from './replayed-request.js';
export type { DeploymentReplay, ReplayReport, SurfaceReplay } from './replay-report.js';
export type { ReplayScriptOptions } from './replay-script.options.js';
export { SeededRandom, seedOf } from './seeded-random.js';
export type { SimulatedClock, SimulatedTimer } from './simulated-clock.js';
export type {
  CallToSimulate,
  SimulatedCall,
  SimulatedDeployment,
  SimulatedFailure,
} from './simulated-deployment.js';
export { TraceError } from './trace-error.js';
export type { TraceRequest } from './trace-request.js';
// For the bench of strategies, which stands on this room alone.
export { compileOptions } from '../planning/index.js';
