import { AllAttemptsFailedError } from '../errors/all-attempts-failed-error.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { DeadlineExceededError } from '../errors/deadline-exceeded-error.js';
import type { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import type { ProviderError } from '../errors/provider-error.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import { UpstreamRejectedError } from '../errors/upstream-rejected-error.js';
import type { PlannedAttempt } from '../planning/index.js';
import { SHUTDOWN } from './attempt-clock.js';
import { causeOfEnd } from './cause-of-end.js';
import { type PlannedExecution, remainingMs } from './execution.js';
import { redactProviderMessage } from './redact-provider-message.js';

/** Of a request whose caller, or whose application, has gone. */
export function callerGone(signal: AbortSignal | undefined): LlmRouterError {
  return signal?.reason === SHUTDOWN
    ? new OverloadedError('The application is shutting down.', 1_000)
    : new ClientClosedRequestError();
}

/** What a provider refused for the caller's own fault. */
export function rejectionOf(
  error: ProviderError,
  planned: PlannedAttempt,
  execution: PlannedExecution,
): UpstreamRejectedError {
  const message = error.readProviderMessage();
  const secrets = execution.clients.get(planned.deployment.provider)?.readSecrets() ?? [];
  return new UpstreamRejectedError(
    error,
    message === undefined ? undefined : redactProviderMessage(message, execution.request, secrets),
  );
}

/** The error of a request that no attempt answered. */
export function failureOf(
  execution: PlannedExecution,
  {
    failures,
    unsayable,
    isOverdue,
  }: {
    readonly failures: readonly { readonly planned: PlannedAttempt; readonly error: ProviderError }[];
    readonly unsayable: InvalidRequestError | undefined;
    readonly isOverdue: boolean;
  },
): Error {
  if (execution.signal?.aborted) return callerGone(execution.signal);
  const cause = causeOfEnd(
    failures.map(({ error }) => error.kind),
    isOverdue || remainingMs(execution) <= 0,
  );
  const [first] = failures;
  if (cause === 'deadline') return new DeadlineExceededError(execution.plan.deadlineMs, failures.length);
  if (first === undefined && unsayable !== undefined) return unsayable;
  if (cause === 'context_length' && first !== undefined) {
    return rejectionOf(first.error, first.planned, execution);
  }
  if (cause === 'rate_limited') {
    const waits = failures.flatMap(({ error }) => error.retryAfterMs ?? []);
    return new RateLimitedError(waits.length > 0 ? Math.min(...waits) : undefined);
  }
  return new AllAttemptsFailedError(
    failures.map(({ planned, error }) => ({
      model: planned.deployment.model.name,
      provider: planned.deployment.provider,
      kind: error.kind,
      status: error.status,
    })),
  );
}
