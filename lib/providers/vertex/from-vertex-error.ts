import type { ProviderError } from '../../errors/provider-error.js';
import { fromAnthropicFailure } from '../anthropic/from-anthropic-error.js';
import { fromGeminiFailure } from '../gemini/from-gemini-error.js';
import { objectOf, textOf } from '../json-reading.js';
import type { WireFailure } from '../provider-adapter.js';

/**
 * Maps a failed answer. Google's front answers in Google's form, whichever model was asked (401, 403, 404, most 429);
 * Claude's own refusals come through in Anthropic's, told by the `type` of the error, which Google's lacks.
 */
export function fromVertexFailure(failure: WireFailure): ProviderError {
  const type = textOf(objectOf(objectOf(failure.body)?.error)?.type);
  return type === undefined ? fromGeminiFailure(failure) : fromAnthropicFailure(failure);
}
