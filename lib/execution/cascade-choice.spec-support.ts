import { validateChatRequest } from '../chat/index.js';
import { extractFeatures } from '../classification/index.js';
import {
  compileOptions,
  createPlan,
  type DeferralKind,
  type DeploymentSignals,
  type Plan,
  type PlannedAttempt,
  UNKNOWN_SIGNALS,
} from '../planning/index.js';
import type { CascadeMoment } from './cascade-moment.js';
import { type CascadeState, startCascade } from './cascade-state.js';

/** A day in 2026. */
export const NOW_MS = 1_780_000_000_000;

/** The same for all choices of a spec: models `a` to `d`, a tier or a place of one each, in this order. */
export const NAMES = ['a', 'b', 'c', 'd'] as const;
export type Name = (typeof NAMES)[number];

export interface Scene {
  readonly names?: readonly Name[];
  readonly streamed?: boolean;
  readonly mayOverlap?: boolean;
  /** Laid over each of the planned attempts. */
  readonly planned?: Partial<PlannedAttempt>;
  readonly plan?: Partial<Plan>;
}

function planOf(streamed: boolean): Plan {
  const { policy, configuration } = compileOptions(
    {
      providers: { p: { api: 'openai-compatible', baseUrl: 'http://a.b' } },
      models: Object.fromEntries(
        NAMES.map((name, index) => [
          name,
          {
            provider: 'p',
            price: { inputPer1M: 1, outputPer1M: 1 },
            maxConcurrency: 2,
            contextWindow: 1_000 * (index + 1),
          },
        ]),
      ),
      routingRules: { simple_queries: { primary: [...NAMES] } },
      surfaces: { s: { latencySloMs: 2_000 } },
    },
    {},
  );
  const request = validateChatRequest(
    { messages: [{ role: 'user', content: 'Hello' }], stream: streamed },
    configuration.limits,
  );
  return createPlan({
    features: extractFeatures(request),
    classification: { class: 'simple_queries', score: 0 },
    requestedModel: 'auto',
    circumstances: {
      surface: policy.surfaces.get('s') ?? policy.defaultSurface,
      workload: 'interactive',
      deadlineMs: undefined,
      deadlineLimitMs: undefined,
    },
    policy,
    signals: { of: () => UNKNOWN_SIGNALS },
    nowMs: NOW_MS,
    random: () => 0.5,
  });
}

const PLANS = { streamed: planOf(true), whole: planOf(false) };

/** The state of a request before its first call. */
export function scene({
  names = NAMES.slice(0, 2),
  streamed = true,
  mayOverlap = false,
  planned = {},
  plan = {},
}: Scene = {}): CascadeState {
  const made = streamed ? PLANS.streamed : PLANS.whole;
  const attempts = names.map((name, index) => {
    const attempt = made.attempts.find(({ deployment }) => deployment.model.name === name);
    if (attempt === undefined) throw new TypeError(`${name} is not planned`);
    return { ...attempt, tier: index === 0 ? 'primary' : 'secondary', ...planned } as const;
  });
  return startCascade({
    plan: { ...made, attempts, maxAttempts: 4, deadlineMs: 60_000, ...plan },
    streamed,
    mayOverlap,
    retries: { baseDelayMs: 1_000, maxDelayMs: 4_000 },
  });
}

export interface MomentOf extends Partial<Omit<CascadeMoment, 'signals'>> {
  readonly signals?: Readonly<Partial<Record<Name, Partial<DeploymentSignals>>>>;
}

/** Just after the request came, where nothing is known, unless it is said otherwise. */
export function moment({ signals = {}, ...rest }: MomentOf = {}): CascadeMoment {
  return {
    nowMs: NOW_MS,
    clockMs: 5_000,
    elapsedMs: 0,
    leftMs: 60_000,
    reserved: () => 0,
    mayResend: true,
    isServable: () => true,
    isSayable: () => true,
    random: () => 0.5,
    ...rest,
    signals: {
      of: (id) => ({ ...UNKNOWN_SIGNALS, ...signals[nameOf(id)] }),
    },
  };
}

function nameOf(id: string): Name {
  const name = NAMES.find((one) => id === `p/${one}`);
  if (name === undefined) throw new TypeError(`No deployment ${id}`);
  return name;
}

export const OUT = { breaker: 'open', breakerShare: 0, errorRate: 0.9 } as const;
export const UNWELL = { breaker: 'open', breakerShare: 0, errorRate: 0.3 } as const;
export const FULL = { inFlight: 2 } as const;
export const restingFor = (ms: number): Partial<DeploymentSignals> => ({ restingUntilMs: NOW_MS + ms });

export function modelOf({ deployment }: PlannedAttempt): string {
  return deployment.model.name;
}

export function queueOf({ queue }: CascadeState): string[] {
  return queue.map(modelOf);
}

/** One of those planned. */
export function attemptOf({ terms }: CascadeState, name: Name): PlannedAttempt {
  const found = terms.plan.attempts.find((planned) => modelOf(planned) === name);
  if (found === undefined) throw new TypeError(`${name} is not planned`);
  return found;
}

/** The same, but for one that was put behind when the plan was made. */
export function behind(state: CascadeState, name: Name, kind: DeferralKind): CascadeState {
  const queue = state.queue.map((planned) =>
    modelOf(planned) === name ? { ...planned, deferral: { kind, text: kind } } : planned,
  );
  return { ...state, queue };
}
