import { ProviderError } from '../errors/provider-error.js';

/** Choices of one answer: as many as OpenAI lets a client ask for. */
export const MAX_CHOICES = 128;
/** Blocks of one answer, and tool calls of one choice, that are remembered: more than any model writes. */
export const MAX_BLOCKS = 1000;
/** Characters that a stream holds back, such as the arguments of a call whose name has not come. */
export const MAX_HELD_CHARACTERS = 16 * 1024 * 1024;

/**
 * An upstream's counts are its word, memory is ours.
 *
 * @throws {@link ProviderError} of kind `bad_response` when there are more than `limit`.
 */
export function assertWithin(count: number, limit: number, providerCode: string): void {
  if (count > limit) throw new ProviderError({ kind: 'bad_response', providerCode });
}
