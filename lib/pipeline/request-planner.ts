import type { Classification } from '../classification/index.js';
import { didYouMean } from '../config/index.js';
import { currentLlmContext, type LlmRequestContext, mergeLlmContext } from '../context/index.js';
import type { Budget, BudgetLedger } from '../cost/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import {
  createPlan,
  findContextFaults,
  type PlanInput,
  type PolicySnapshot,
  type PolicySurface,
  type SignalsSnapshot,
  tightenSurface,
} from '../planning/index.js';
import { type InternalCallOptions, KEYS_BESIDE_CONTEXT } from './call-options.js';
import type { Circumstances, Decision, ObservedPlan, Received } from './journey-stages.js';
import { MIN_CACHED_TOKENS, type PromptAffinity } from './prompt-affinity.js';
import type { RoutingRuntime } from './routing-runtime.js';
import { tenantKeyOf } from './tenant-key.js';

export interface PlannerParts {
  readonly signals: SignalsSnapshot;
  readonly budgets: BudgetLedger;
  readonly affinity: PromptAffinity;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Says under which circumstances a request is asked, and whom to ask. */
export class RequestPlanner {
  constructor(private readonly parts: PlannerParts) {}

  circumstances({ policy }: RoutingRuntime, options: InternalCallOptions): Circumstances {
    const context = mergeLlmContext(currentLlmContext(), options);
    checkCircumstances(context);
    const surface = tightenSurface(surfaceNamed(policy, context.surface, options.surfaceParam), context);
    return {
      surface,
      workload: context.workload ?? surface.workload,
      tenant: context.tenant,
      deadlineMs: context.deadlineMs,
      budgets: this.parts.budgets.budgetsOf(policy.budgets, {
        surface: surface.name,
        tenant: context.tenant,
        keyId: options.keyId,
      }),
    };
  }

  decide(
    { policy }: RoutingRuntime,
    { request, features, circumstances }: Pick<Received, 'request' | 'features' | 'circumstances'>,
    classification: Classification,
    options: InternalCallOptions,
    candidatesPerTier?: number,
  ): Decision {
    const { surface, workload, deadlineMs, budgets } = circumstances;
    const spent = this.parts.budgets.findDowngrade(budgets);
    const nowMs = Date.now();
    const input: PlanInput = {
      features,
      classification,
      requestedModel: request.model,
      circumstances: {
        surface,
        workload,
        deadlineMs,
        deadlineLimitMs: options.deadlineLimitMs,
        downgradedBy: spent === undefined ? undefined : describeBudget(spent),
        cheapestFirst: options.cheapestFirst,
      },
      policy,
      signals: this.parts.signals,
      nowMs,
      random: this.parts.random,
      warm:
        features.inputTokens < MIN_CACHED_TOKENS
          ? undefined
          : this.parts.affinity.find(tenantKeyOf(options), request, nowMs),
      ...(candidatesPerTier === undefined ? {} : { candidatesPerTier }),
    };
    if (policy.observedBaseline === undefined || surface.pin !== undefined)
      return { plan: createPlan(input) };
    const plan = createPlan({ ...input, boundTo: policy.observedBaseline });
    return { plan, observed: observedPlan(input) };
  }
}

/** What routing would do. The baseline answers whatever it would have refused. */
function observedPlan(input: PlanInput): ObservedPlan {
  try {
    return createPlan(input);
  } catch (error) {
    if (!LlmRouterError.isInstance(error)) throw error;
    return 'refused';
  }
}

export function describeBudget({ scope, name, per }: Budget): string {
  return `the budget of ${scope} ${name} for this ${per}`;
}

function checkCircumstances(context: LlmRequestContext): void {
  const [fault] = findContextFaults(context, KEYS_BESIDE_CONTEXT);
  if (fault === undefined) return;
  const end = fault.message.endsWith('?') || fault.message.endsWith('.') ? '' : '.';
  throw new InvalidRequestError(`\`${fault.key}\` ${fault.message}${end}`, fault.key);
}

function surfaceNamed(policy: PolicySnapshot, name: string | undefined, param = 'surface'): PolicySurface {
  if (name === undefined) return policy.defaultSurface;
  const surface = policy.surfaces.get(name);
  if (surface === undefined) {
    throw new InvalidRequestError(
      `\`${param}\` names no configured surface.${didYouMean(name.slice(0, 64), policy.surfaces.keys())}`,
      param,
    );
  }
  return surface;
}
