import type { CompiledOptions } from '../planning/index.js';
import { ASSUMED_BEHAVIOUR, type SimulatedWorld } from './deployment-behaviour.js';
import type { ReplayedRouter } from './replayed-request.js';
import type { ReplayReport } from './replay-report.js';
import { ReplayTally } from './replay-tally.js';
import { SimulatedClock } from './simulated-clock.js';
import { SimulatedDeployment } from './simulated-deployment.js';
import { SimulatedRouter } from './simulated-router.js';
import type { TraceRequest } from './trace-request.js';

/** What a router of a replay is made of. */
export interface ReplayStage {
  readonly clock: SimulatedClock;
  /** Of every deployment of the configuration, by its id. */
  readonly deployments: ReadonlyMap<string, SimulatedDeployment>;
}

export interface ReplayOptions {
  readonly compiled: CompiledOptions;
  /** In the order of their time. */
  readonly requests: readonly TraceRequest[];
  readonly world: SimulatedWorld;
  /** The same seed, configuration, trace and world give the same report. */
  readonly seed: number;
  /** Of all requests. @defaultValue what the trace says of each, else 'auto' */
  readonly requestedModel?: string;
  /** The class of requests whose trace names none. @defaultValue 'simple_queries' */
  readonly requestClass?: string;
  /** Instead of the router: another strategy over the same deployments, to compare with. */
  readonly createRouter?: (stage: ReplayStage) => ReplayedRouter;
}

/** Sends a recorded day through one configuration on a simulated clock. Nothing is called. */
export function replay({
  compiled,
  requests,
  world,
  seed,
  requestedModel,
  requestClass = 'simple_queries',
  createRouter,
}: ReplayOptions): ReplayReport {
  const startMs = requests[0]?.atMs ?? 0;
  const clock = new SimulatedClock(startMs);
  const deployments = new Map<string, SimulatedDeployment>();
  for (const { deployments: ofModel } of compiled.policy.models.values()) {
    for (const { id } of ofModel) {
      const behaviour = world.behaviours.get(id) ?? ASSUMED_BEHAVIOUR;
      deployments.set(id, new SimulatedDeployment(id, behaviour, world.events, clock, startMs, seed));
    }
  }
  const stage = { clock, deployments };
  const ours =
    createRouter === undefined
      ? new SimulatedRouter({ compiled, ...stage, seed, requestedModel, requestClass })
      : undefined;
  const router = ours ?? createRouter?.(stage);
  const tally = new ReplayTally();
  // One at a time: the clock never holds a whole day.
  const send = (index: number): void => {
    const request = requests[index];
    if (request === undefined) return;
    clock.at(request.atMs, () => {
      send(index + 1);
      router?.accept(request, index, (result) => {
        tally.add(result);
      });
    });
  };
  send(0);
  clock.run();
  ours?.close();
  if (tally.requests !== requests.length) {
    throw new Error(`${tally.requests} of ${requests.length} replayed requests ended: a fault of the replay`);
  }
  const spanMs = (requests.at(-1)?.atMs ?? startMs) - startMs;
  return tally.report({ policy: compiled.policy.hash, seed, spanMs }, deployments);
}
