import type { ValidatedChatRequest } from '../chat/chat-types.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';

/**
 * Refuses what changes the answer so much that leaving it out in silence would be wrong, on a wire that has no word
 * for it.
 *
 * @throws {@link InvalidRequestError} naming the field.
 */
export function refuseField(isUsed: boolean, field: keyof ValidatedChatRequest): void {
  if (isUsed) {
    throw new InvalidRequestError(`\`${field}\` is not supported by this model.`, field);
  }
}

/** Sound out, and a bias on tokens of OpenAI's own tokenizer: no other wire has them. */
export function refuseOpenAiOnlyFields(request: ValidatedChatRequest): void {
  refuseField(request.modalities?.includes('audio') ?? false, 'modalities');
  refuseField(Boolean(request.web_search_options), 'web_search_options');
  refuseField(Object.keys(request.logit_bias ?? {}).length > 0, 'logit_bias');
}
