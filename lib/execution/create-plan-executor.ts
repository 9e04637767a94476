import { capacityOf, isFailing, type PolicyDeployment, type SignalsSnapshot } from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import { PlanExecutor } from './plan-executor.js';
import { ShareBudget } from './share-budget.js';
import { WaitingRoom } from './waiting-room.js';

/** Re-sends that rare traffic has without having paid for them. */
const RESEND_RESERVE = 10;
const RESEND_REFILL_MS = 1_000;
/** Attempts that may be given up on for slowness before there is traffic to judge by. */
const GIVE_UP_RESERVE = 10;
const GIVE_UP_REFILL_MS = 1_000;
/** A second copy has always been paid for. */
const HEDGE_RESERVE = 1;
const HEDGE_REFILL_MS = 60_000;

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
    resends: new ShareBudget(RESEND_RESERVE, RESEND_REFILL_MS),
    giveUps: new ShareBudget(GIVE_UP_RESERVE, GIVE_UP_REFILL_MS),
    hedges: new ShareBudget(HEDGE_RESERVE, HEDGE_REFILL_MS),
  });
}
