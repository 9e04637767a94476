import type { ValidatedChatRequest } from '../chat/index.js';
import type { AnswerChecker, ModelCaller, VerifyPolicy } from '../classification/index.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import type { Execution, PlanExecutor } from '../execution/index.js';
import { classDecides, harderRule, type Plan, type PolicySnapshot } from '../planning/index.js';
import type { InternalCallOptions } from './call-options.js';
import { hasLeft, type Journey } from './journey.js';
import type { Answered, Circumstances, Planned, Received } from './journey-stages.js';
import type { RequestFunding } from './request-funding.js';
import type { RequestPlanner } from './request-planner.js';

export interface VerificationParts {
  readonly checker: AnswerChecker;
  readonly executor: PlanExecutor;
  readonly planner: RequestPlanner;
  readonly funding: RequestFunding;
  /** Carries a plan out on a request's behalf. */
  readonly execution: (journey: Journey, planned: Planned) => Execution;
  /** Tells observers of the plan for a better answer. */
  readonly tellEscalation: (journey: Journey, planned: Planned) => void;
  /** Asks models on a request's behalf. */
  readonly modelCaller: (journey: Journey, circumstances: Circumstances) => ModelCaller;
}

/** Holds answers against what their rule demands, and asks a harder rule where they fall short. */
export class AnswerVerification {
  constructor(private readonly parts: VerificationParts) {}

  /** What the answer will be held against; undefined: nothing, or nobody harder could be asked then. */
  verifyOf({ runtime: { policy } }: Journey, { plan, request }: Planned): VerifyPolicy | undefined {
    const rule = plan.rule === undefined ? undefined : policy.rules.get(plan.rule);
    if (rule?.verify === undefined || !classDecides(policy, plan.surface, request.model)) return undefined;
    return harderRule(policy, plan.classification.class, rule.name) === undefined ? undefined : rule.verify;
  }

  /** Checks an answer, and asks the next harder rule where it is not good enough. */
  async verify(
    journey: Journey,
    received: Received,
    answered: Answered,
    options: InternalCallOptions,
  ): Promise<Answered> {
    const { planned, served } = answered;
    const { plan, features, request } = planned;
    const { runtime, controller, records } = journey;
    const policy = this.verifyOf(journey, planned);
    if (policy === undefined || plan.rule === undefined) return answered;
    const leftMs = plan.deadlineMs - (performance.now() - journey.startedAt);
    const verdict = await this.parts.checker.check({
      policy,
      request,
      questionText: features.questionText,
      answer: served.completion,
      model: served.planned.deployment.model.name,
      decisionId: journey.decisionId,
      models: this.parts.modelCaller(journey, received.circumstances),
      signal: controller.signal,
      // As much again is left to whoever is asked next.
      leftMs: leftMs / 2,
    });
    if (hasLeft(controller)) throw new ClientClosedRequestError();
    if (verdict !== 'bad') {
      const passed = verdict === 'good' ? 'passed' : undefined;
      return { ...answered, verification: answered.verification ?? passed };
    }
    const failed: Answered = { ...answered, verification: 'failed' };
    const rule = harderRule(runtime.policy, plan.classification.class, plan.rule);
    const maxAttempts = plan.maxAttempts - (served.attempt - answered.callsBefore);
    if (rule === undefined || maxAttempts < 1) return failed;
    try {
      const named = { ...received, request: { ...request, model: rule.name } };
      const { plan: harder } = this.parts.planner.decide(runtime, named, plan.classification, options);
      const attempts = harder.attempts.filter(
        // It has said what it has to say.
        ({ deployment }) => deployment.model.name !== served.planned.deployment.model.name,
      );
      if (attempts.length === 0) return failed;
      const next: Planned = { ...planned, plan: { ...harder, attempts, maxAttempts } };
      // The money for this answer was kept; for another one there may be none.
      const kept = journey.reservation?.extend(this.parts.funding.mostCost(journey, next)) ?? true;
      if (!(kept instanceof Promise ? await kept : kept)) return failed;
      this.parts.tellEscalation(journey, next);
      const execution = this.parts.execution(journey, next);
      const callsBefore = records.length;
      const better: Answered = {
        planned: next,
        served: await this.parts.executor.chat({
          ...execution,
          labels: { ...execution.labels, afterAnswer: true },
          attemptsBefore: callsBefore,
        }),
        callsBefore,
        verification: 'escalated',
      };
      return this.verifyOf(journey, next) === undefined
        ? better
        : await this.verify(journey, received, better, options);
    } catch (error) {
      if (hasLeft(controller) || !LlmRouterError.isInstance(error)) throw error;
      // An answer that may not be good enough is better than none.
      return failed;
    }
  }
}

/** Says who would answer if the answer were not good enough. */
export function withVerifyNote(plan: Plan, request: ValidatedChatRequest, policy: PolicySnapshot): Plan {
  const rule = plan.rule === undefined ? undefined : policy.rules.get(plan.rule);
  if (rule?.verify === undefined || !classDecides(policy, plan.surface, request.model)) return plan;
  const next = harderRule(policy, plan.classification.class, rule.name);
  if (next === undefined) return plan;
  const note =
    request.stream === true
      ? 'a stream is not verified'
      : `the answer would be verified; the rule ${next.name} answers where it is not good enough`;
  return { ...plan, notes: [...plan.notes, note] };
}
