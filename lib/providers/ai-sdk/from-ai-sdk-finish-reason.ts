import { ProviderError } from '../../errors/provider-error.js';
import type { FinishReason } from '../chat-extensions.js';
import { objectOf } from '../json-reading.js';
import { identifierOf } from '../provider-error-fields.js';

/**
 * A word in version 2, `{ unified, raw }` from version 3 on. `stop`, `tool-calls`, `other`, `unknown` and every name yet to
 * come mean `stop`, or `tool_calls` where the answer holds calls of the client's tools: what calls there were may all
 * have been the provider's own.
 *
 * @throws {@link ProviderError} of kind `stream_cut` for version 4's `interrupted`, `server_error` for `error`, with the provider's own word where it is one. Its
 * status is that of an answer that had begun: it was generated, and will be billed.
 */
export function fromAiSdkFinishReason(value: unknown, hasToolCalls: boolean): FinishReason {
  const details = objectOf(value);
  switch (details?.unified ?? value) {
    case 'length':
      return 'length';
    case 'content-filter':
      return 'content_filter';
    case 'interrupted':
      throw new ProviderError({ kind: 'stream_cut', status: 200 });
    case 'error':
      throw new ProviderError({
        kind: 'server_error',
        status: 200,
        providerCode: identifierOf(details?.raw) ?? 'finish_error',
      });
    default:
      return hasToolCalls ? 'tool_calls' : 'stop';
  }
}
