import { capacityOf, isFailing, type PolicyDeployment, type SignalsSnapshot } from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import { createCascadeBudgets } from './cascade-budgets.js';
import { PlanExecutor } from './plan-executor.js';
import { WaitingRoom } from './waiting-room.js';

/**
 * @param signals - Must have heard of an attempt's end before the executor's queue does: made before it.
 * @param random - Uniform in [0, 1).
 */
export function createPlanExecutor(
  bus: TelemetryBus,
  signals: SignalsSnapshot,
  random: () => number,
): PlanExecutor {
  const hasRoom = (deployment: PolicyDeployment, reserved: number): boolean => {
    const live = signals.of(deployment.id);
    if (live.restingUntilMs > Date.now() || (isFailing(live) && live.breakerShare === 0)) return false;
    // One is the probe; and of one that recovers, not all who waited are its share.
    const isOnTrial = isFailing(live) || (live.breaker === 'ramping' && live.breakerShare < 1);
    if (isOnTrial && reserved > 0) return false;
    const capacity = capacityOf(deployment, live);
    return capacity === undefined || live.inFlight + reserved < capacity;
  };
  return new PlanExecutor({
    bus,
    random,
    room: new WaitingRoom(bus, hasRoom),
    ...createCascadeBudgets(),
  });
}
