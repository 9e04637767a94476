import { ProviderError } from '../../errors/provider-error.js';
import type { FinishReason } from '../chat-extensions.js';

const FILTER_REASONS: ReadonlySet<string> = new Set([
  'SAFETY',
  'RECITATION',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'MODEL_ARMOR',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
]);

/**
 * Gemini says `STOP` for function calls too: a call in the answer makes it `tool_calls`. `OTHER` and names yet to come
 * are `stop`: the answer is over, and what there is of it goes to the client.
 */
export function fromGeminiFinishReason(value: string, hasToolCalls: boolean): FinishReason {
  if (value === 'MAX_TOKENS') {
    return 'length';
  }
  if (FILTER_REASONS.has(value)) {
    return 'content_filter';
  }
  return hasToolCalls ? 'tool_calls' : 'stop';
}

/** Gemini could not go on, for no fault of the prompt's. The last three are younger than the published types. */
const FAILED_REASONS: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'NO_IMAGE',
  'IMAGE_OTHER',
  'OTHER',
  'MALFORMED_RESPONSE',
  'MISSING_THOUGHT_SIGNATURE',
  'TOO_MANY_TOOL_CALLS',
]);

/**
 * An answer with nothing in it that ended for such a reason (a call that the model wrote so badly that Gemini threw it
 * away, or no reason at all) is no answer, so that another model may be asked.
 *
 * @throws {@link ProviderError} of kind `bad_response`.
 */
export function assertUsableFinish(value: string, hasContent: boolean): void {
  if (!hasContent && FAILED_REASONS.has(value)) {
    throw new ProviderError({ kind: 'bad_response', providerCode: value });
  }
}
