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

/**
 * A call that the model wrote so badly that Gemini threw it away leaves an empty answer: no answer at all, so that
 * another model may be asked.
 *
 * @throws {@link ProviderError} of kind `bad_response`.
 */
export function assertUsableFinish(value: string, hasContent: boolean): void {
  if (!hasContent && (value === 'MALFORMED_FUNCTION_CALL' || value === 'UNEXPECTED_TOOL_CALL')) {
    throw new ProviderError({ kind: 'bad_response', providerCode: value });
  }
}
