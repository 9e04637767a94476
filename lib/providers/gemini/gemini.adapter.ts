import type { ProviderError } from '../../errors/provider-error.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  TranslatedAnswer,
  WireFailure,
  WireRequest,
} from '../provider-adapter.js';
import { fromGeminiAnswer } from './from-gemini-answer.js';
import { fromGeminiFailure } from './from-gemini-error.js';
import { geminiEmbeddings } from './gemini-embeddings.js';
import type { GeminiRequest } from './gemini-wire.js';
import { GeminiStreamTranslator } from './gemini-stream-translator.js';
import { droppedGeminiFields, toGeminiRequest } from './to-gemini-request.js';

/**
 * The Gemini API (`generateContent`, version v1beta). The key goes in a header: in the URL it would end in logs.
 */
export class GeminiAdapter implements ProviderAdapter {
  readonly defaultBaseUrl = 'https://generativelanguage.googleapis.com';
  readonly embeddings = geminiEmbeddings;
  readonly modelList = { path: '/v1beta/models?pageSize=1', headers: {} };

  authHeaders(apiKey: string | undefined): Record<string, string> {
    return apiKey === undefined ? {} : { 'x-goog-api-key': apiKey };
  }

  buildRequest(call: ProviderCall): WireRequest {
    // Without alt=sse the stream is one JSON array in pieces.
    const method = call.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
    return {
      path: `/v1beta/${toModelPath(call.upstreamModel)}:${method}`,
      headers: {},
      body: toGeminiRequest(call),
    };
  }

  droppedFields(call: ProviderCall, wire: WireRequest): readonly string[] {
    return droppedGeminiFields(call, wire.body as GeminiRequest);
  }

  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
    return fromGeminiAnswer(body, call);
  }

  createStreamTranslator(call: ProviderCall): StreamTranslator {
    return new GeminiStreamTranslator(call);
  }

  parseError(failure: WireFailure): ProviderError {
    return fromGeminiFailure(failure);
  }
}

/** `models/…` in front of a bare name; `tunedModels/…` and the like stay. */
function toModelPath(model: string): string {
  const path = model.includes('/') ? model : `models/${model}`;
  return path.split('/').map(encodeURIComponent).join('/');
}
