import type { Attributes } from '@opentelemetry/api';
import type { ChatCompletion, TokenUsage, ValidatedChatRequest } from '../../chat/index.js';
import { CLASSIFICATION_CLASS, EMBEDDINGS_CLASS, type RejectionReason } from '../../planning/index.js';
import type { AttemptRecord, Outcome, RequestRecord, RequestStarted } from '../../telemetry/index.js';
import type { PlannedRequest } from '../request-observer.js';
import type { ProviderIdentity } from './provider-identity.js';

/** What a provider's error calls itself may be anything: only what looks like a name is shown. */
const CODE = /^[\w.:-]{1,64}$/;
/** Who asks may be called anything too. */
const MAX_TENANT_LENGTH = 128;
const MAX_MODEL_LENGTH = 128;
/** Candidates that are named. */
const MAX_NAMED = 16;

export type Operation = 'chat' | 'embeddings';

export function operationOf(requestClass: string): Operation {
  return requestClass === EMBEDDINGS_CLASS ? 'embeddings' : 'chat';
}

/** Neither a loser nor who left has failed. */
export function isError(outcome: Outcome): boolean {
  return outcome !== 'succeeded' && outcome !== 'hedge_lost' && outcome !== 'client_left';
}

export function startAttributes({ decisionId, streamed }: RequestStarted): Attributes {
  return { 'llm_router.decision_id': decisionId, 'gen_ai.request.stream': streamed };
}

/** The decision. */
export function planAttributes({
  labels,
  plan,
  observed,
  features,
  requestedModel,
  policyHash,
}: PlannedRequest): Attributes {
  const { attempts, rejected, classification } = plan;
  return {
    'gen_ai.operation.name': operationOf(labels.requestClass),
    'gen_ai.request.model': requestedModel,
    'gen_ai.request.max_tokens': features.requestedOutputTokens,
    'llm_router.policy_hash': policyHash,
    'llm_router.class': labels.requestClass,
    'llm_router.score': classification.score,
    'llm_router.classified_by': classification.by,
    'llm_router.rule': plan.rule,
    'llm_router.candidates': attempts.slice(0, MAX_NAMED).map(({ deployment }) => deployment.id),
    'llm_router.candidates.count': attempts.length,
    'llm_router.rejected.count': rejected.length,
    'llm_router.rejected': countsOf(rejected.map(({ reason }) => reason)),
    'llm_router.deadline_ms': plan.deadlineMs,
    'llm_router.observed': observed === undefined ? undefined : true,
  };
}

/** `region:2`: reasons are a fixed few. */
function countsOf(reasons: readonly RejectionReason[]): string[] | undefined {
  if (reasons.length === 0) return undefined;
  const counts = new Map<RejectionReason, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${reason}:${count}`);
}

/** What the client wants of the answer, as far as it can be no text. */
export function requestAttributes(request: ValidatedChatRequest): Attributes {
  const { n, reasoning_effort: effort } = request;
  // OpenAI marks it as deprecated, and clients send it.
  const { seed } = request as { readonly seed?: number | null };
  return {
    'gen_ai.request.temperature': request.temperature ?? undefined,
    'gen_ai.request.top_p': request.top_p ?? undefined,
    'gen_ai.request.frequency_penalty': request.frequency_penalty ?? undefined,
    'gen_ai.request.presence_penalty': request.presence_penalty ?? undefined,
    'gen_ai.request.seed': seed ?? undefined,
    'gen_ai.request.choice.count': n === 1 ? undefined : (n ?? undefined),
    'gen_ai.request.reasoning.level': effort ?? undefined,
    'gen_ai.output.type': outputTypeOf(request),
  };
}

function outputTypeOf({ response_format: format }: ValidatedChatRequest): string | undefined {
  if (format === undefined) return undefined;
  return format.type === 'text' ? 'text' : 'json';
}

export function finishReasonsOf({ choices }: ChatCompletion): string[] {
  return choices.map(({ finish_reason: reason }) => reason);
}

/** How the request ended. Tokens of its calls are on their spans, where they are billed: here they would count twice. */
export function endAttributes(
  record: RequestRecord,
  provider: ProviderIdentity | undefined,
  hedged: boolean,
): Attributes {
  const { surface, workload, tenant, usage, servedBy } = record;
  return {
    'gen_ai.provider.name': provider?.name,
    'gen_ai.response.model': servedBy?.model,
    'gen_ai.response.time_to_first_chunk': secondsOf(record.timeToFirstTokenMs),
    'error.type': isError(record.outcome) ? (record.errorCode ?? record.outcome) : undefined,
    'llm_router.surface': surface,
    'llm_router.workload': workload,
    'llm_router.tenant': tenant?.slice(0, MAX_TENANT_LENGTH),
    'llm_router.policy_hash': record.policyHash,
    'llm_router.outcome': record.outcome,
    'llm_router.deployment': servedBy?.deployment,
    'llm_router.tier': servedBy?.tier,
    'llm_router.attempts': record.attempts,
    'llm_router.fell_back': record.fellBack ?? false,
    'llm_router.hedged': hedged,
    'llm_router.usage.input_tokens': usage.promptTokens,
    'llm_router.usage.output_tokens': usage.completionTokens,
    'llm_router.cost_usd': record.costUsd,
  };
}

export function attemptEndAttributes(record: AttemptRecord, finishReasons: readonly string[]): Attributes {
  const { usage, usageSource, outcome, providerCode } = record;
  return {
    // Whatever the provider says.
    'gen_ai.response.model': record.reportedModel?.slice(0, MAX_MODEL_LENGTH),
    'gen_ai.response.finish_reasons': finishReasons.length === 0 ? undefined : [...finishReasons],
    'gen_ai.response.time_to_first_chunk': secondsOf(record.timeToFirstTokenMs),
    ...usageAttributes(usage),
    'error.type': errorTypeOf(record),
    'http.response.status_code': record.status,
    'llm_router.tier': record.tier,
    'llm_router.outcome': outcome,
    'llm_router.purpose': record.requestClass === CLASSIFICATION_CLASS ? 'classification' : undefined,
    'llm_router.hedge': record.hedge,
    'llm_router.overtaken': record.overtaken,
    'llm_router.provider_code':
      providerCode !== undefined && CODE.test(providerCode) ? providerCode : undefined,
    'llm_router.retry_after_ms': record.retryAfterMs,
    'llm_router.usage_source': usageSource,
    'llm_router.cost_usd': record.costUsd,
  };
}

function usageAttributes(usage: TokenUsage): Attributes {
  if (usage.promptTokens === 0 && usage.completionTokens === 0) return {};
  return {
    'gen_ai.usage.input_tokens': usage.promptTokens,
    'gen_ai.usage.output_tokens': usage.completionTokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cachedTokens || undefined,
    'gen_ai.usage.cache_write.input_tokens': usage.cacheWriteTokens || undefined,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens || undefined,
  };
}

export function errorTypeOf({ outcome, errorKind }: AttemptRecord): string | undefined {
  return isError(outcome) ? (errorKind ?? outcome) : undefined;
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
