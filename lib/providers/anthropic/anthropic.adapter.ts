import type { ProviderError } from '../../errors/provider-error.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  TranslatedAnswer,
  WireFailure,
  WireRequest,
} from '../provider-adapter.js';
import type { AnthropicRequest } from './anthropic-wire.js';
import { AnthropicStreamTranslator } from './anthropic-stream-translator.js';
import { fromAnthropicAnswer } from './from-anthropic-answer.js';
import { fromAnthropicFailure } from './from-anthropic-error.js';
import { droppedAnthropicFields, toAnthropicRequest } from './to-anthropic-request.js';

/** Anthropic's Messages API (`POST /v1/messages`, version 2023-06-01, no betas). */
export class AnthropicAdapter implements ProviderAdapter {
  readonly defaultBaseUrl = 'https://api.anthropic.com';
  readonly modelList = { path: '/v1/models?limit=1', headers: { 'anthropic-version': '2023-06-01' } };

  authHeaders(apiKey: string | undefined): Record<string, string> {
    return apiKey === undefined ? {} : { 'x-api-key': apiKey };
  }

  buildRequest(call: ProviderCall): WireRequest {
    return {
      path: '/v1/messages',
      headers: { 'anthropic-version': '2023-06-01' },
      body: toAnthropicRequest(call),
    };
  }

  droppedFields(call: ProviderCall, wire: WireRequest): readonly string[] {
    return droppedAnthropicFields(call, wire.body as AnthropicRequest);
  }

  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
    return fromAnthropicAnswer(body, call);
  }

  createStreamTranslator(call: ProviderCall): StreamTranslator {
    return new AnthropicStreamTranslator(call);
  }

  parseError(failure: WireFailure): ProviderError {
    return fromAnthropicFailure(failure);
  }
}
