import { fieldOfParameter } from '../catalog/index.js';
import type { ValidatedChatRequest } from '../chat/index.js';
import type { RequestFeatures } from '../classification/index.js';
import { ContextLengthExceededError } from '../errors/context-length-exceeded-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import { NoEligibleModelError } from '../errors/no-eligible-model-error.js';
import type { Plan } from '../planning/index.js';

/** Service tiers that cost list price or less. */
const CAPPED_SERVICE_TIERS: ReadonlySet<unknown> = new Set([undefined, null, 'auto', 'default', 'flex']);

/** @throws what refuses the request before any call. */
export function checkPlan(plan: Plan, request: ValidatedChatRequest, features: RequestFeatures): void {
  if (plan.attempts.length === 0) throw nothingEligible(plan, features);
  if (plan.maxCostUsd === undefined || CAPPED_SERVICE_TIERS.has(request.service_tier)) return;
  throw new InvalidRequestError(
    '`service_tier` may cost more than list price, and this surface caps the cost of a request.',
    'service_tier',
  );
}

export function nothingEligible(plan: Plan, features: RequestFeatures): LlmRouterError {
  // Whatever failed on its window had passed every floor before: it is the size that stands in the way.
  const tooLong = plan.rejected
    .filter((candidate) => candidate.reason === 'context_window')
    .toSorted(
      (first, second) => (second.deployment.contextWindow ?? 0) - (first.deployment.contextWindow ?? 0),
    );
  const [widest] = tooLong;
  if (widest !== undefined) {
    return new ContextLengthExceededError(
      `The request is too long for every model that may serve it. The widest, ${widest.deployment.model.name}: ${widest.detail}.`,
    );
  }
  const [first] = plan.rejected;
  if (first !== undefined && plan.rejected.every((candidate) => candidate.reason === 'parameter')) {
    const { unsupportedParameters } = first.deployment;
    const missing = features.parameters.find((name) => unsupportedParameters.has(name));
    const field = missing === undefined ? undefined : fieldOfParameter(missing);
    return new InvalidRequestError(
      `\`${field ?? 'A field'}\` is not supported by any model that may serve this request.`,
      field,
    );
  }
  return new NoEligibleModelError(
    plan.rejected.map(({ deployment, reason, detail }) => ({
      model: deployment.model.name,
      provider: deployment.provider,
      reason,
      detail,
    })),
  );
}
