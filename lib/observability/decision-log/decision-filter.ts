import type { Outcome } from '../../telemetry/index.js';
import type { DecisionEntry } from './decision-entry.js';

export const DECISION_OUTCOMES = [
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'client_left',
  'hedge_lost',
  'shed',
  'rejected',
] as const satisfies readonly (Outcome | 'running')[];

/** So many are listed where nothing else is asked for. */
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 1_000;

/**
 * Which decisions to list: those that fit all that is given.
 *
 * @publicApi
 */
export interface DecisionFilter {
  readonly surface?: string | undefined;
  readonly outcome?: Outcome | 'running' | undefined;
  /** Called, or served by. */
  readonly model?: string | undefined;
  /** Called, or served by. */
  readonly deployment?: string | undefined;
  /** Called, or served by. */
  readonly provider?: string | undefined;
  readonly requestClass?: string | undefined;
  readonly tenant?: string | undefined;
  /** Begun then or later. */
  readonly since?: Date | undefined;
  /** At most 1,000. @defaultValue 50 */
  readonly limit?: number | undefined;
}

const DEPLOYMENT_KEYS = ['model', 'deployment', 'provider'] as const;

export function fits({ started, planned, attempts, record }: DecisionEntry, filter: DecisionFilter): boolean {
  const { surface, outcome, requestClass, tenant, since } = filter;
  const labels = record ?? planned?.labels ?? started;
  if (surface !== undefined && labels.surface !== surface) return false;
  if (outcome !== undefined && (record?.outcome ?? 'running') !== outcome) return false;
  if (requestClass !== undefined && labels.requestClass !== requestClass) return false;
  if (tenant !== undefined && labels.tenant !== tenant) return false;
  if (since !== undefined && started.startedAtMs < since.getTime()) return false;
  return DEPLOYMENT_KEYS.every((key) => {
    const wanted = filter[key];
    return (
      wanted === undefined ||
      record?.servedBy?.[key] === wanted ||
      attempts.some((one) => one[key] === wanted)
    );
  });
}
