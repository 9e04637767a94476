import type { ValidatedChatRequest } from '../chat/chat-types.js';

/** Fields that OpenAI marks as deprecated and every client goes on sending. */
export interface StillUsedFields {
  readonly max_tokens?: number | null;
  readonly seed?: number | null;
  readonly user?: string | null;
  readonly functions?: readonly unknown[] | null;
}

export function stillUsedFieldsOf(request: ValidatedChatRequest): StillUsedFields {
  return request;
}

/**
 * The most tokens the client wants: `max_completion_tokens` goes before `max_tokens`; undefined where it set
 * neither.
 */
export function requestedOutputTokens(request: ValidatedChatRequest): number | undefined {
  return request.max_completion_tokens ?? stillUsedFieldsOf(request).max_tokens ?? undefined;
}
