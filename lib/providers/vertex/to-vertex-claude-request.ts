import type { AnthropicRequest } from '../anthropic/anthropic-wire.js';
import { toAnthropicRequest } from '../anthropic/to-anthropic-request.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseImageAddresses } from './refuse-image-addresses.js';
import { settleStructuredOutput } from './settle-structured-output.js';

export type VertexClaudeRequest = Omit<AnthropicRequest, 'model' | 'stream'> & {
  readonly anthropic_version: 'vertex-2023-10-16';
  readonly stream?: true;
};

/**
 * The body of `rawPredict`: Anthropic's, with the version in it and the model in the path. `stream` stays where it is
 * true, as in Google's examples and Anthropic's own client for Vertex.
 *
 * @throws {@link InvalidRequestError} naming the field at fault: as Anthropic's own wire, and images by address.
 */
export function toVertexClaudeRequest(call: ProviderCall): VertexClaudeRequest {
  refuseImageAddresses(call.request.messages);
  settleStructuredOutput(call);
  const { model: _model, stream, ...body } = toAnthropicRequest(call);
  return { anthropic_version: 'vertex-2023-10-16', ...body, ...(stream ? { stream } : {}) };
}
