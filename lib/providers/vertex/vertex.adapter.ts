import { readVertexModel, type VertexModel } from '../../catalog/index.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { ProviderError } from '../../errors/provider-error.js';
import type { AnthropicRequest } from '../anthropic/anthropic-wire.js';
import { droppedAnthropicFields } from '../anthropic/to-anthropic-request.js';
import type { GeminiRequest } from '../gemini/gemini-wire.js';
import { AnthropicStreamTranslator } from '../anthropic/anthropic-stream-translator.js';
import { fromAnthropicAnswer } from '../anthropic/from-anthropic-answer.js';
import { fromGeminiAnswer } from '../gemini/from-gemini-answer.js';
import type { GeminiHost } from '../gemini/gemini-host.js';
import { GeminiStreamTranslator } from '../gemini/gemini-stream-translator.js';
import { droppedGeminiFields, toGeminiRequest } from '../gemini/to-gemini-request.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  TranslatedAnswer,
  WireFailure,
  WireRequest,
} from '../provider-adapter.js';
import { fromVertexFailure } from './from-vertex-error.js';
import { settleStructuredOutput } from './settle-structured-output.js';
import { toVertexClaudeRequest } from './to-vertex-claude-request.js';
import { toVertexPath } from './to-vertex-path.js';
import { vertexBaseUrl } from './vertex-base-url.js';
import type { VertexSettings } from './vertex-settings.js';

/**
 * Google's Vertex AI, version v1: Gemini by `generateContent`, Claude by `rawPredict` with Anthropic's bodies.
 *
 * Gemini's wire is that of the Gemini API, `parametersJsonSchema` and `responseJsonSchema` included (both stand in
 * Google's v1 discovery document), but for the ids of calls, which v1 refuses ("Unknown name \"id\" at …function_call"),
 * and addresses, which Google fetches for every model. A client's `metadata` does not become `labels`: those are the
 * project's, and show in its bill.
 */
export class VertexAdapter implements ProviderAdapter {
  readonly defaultBaseUrl: string;
  /** Only v1beta1 lists models. An API key of express mode may not ask. */
  readonly modelList: { readonly path: string; readonly headers: Record<string, string> } | undefined;
  readonly #host: GeminiHost;

  constructor(private readonly settings: VertexSettings) {
    this.defaultBaseUrl = vertexBaseUrl(settings.location);
    this.modelList = settings.isExpress
      ? undefined
      : { path: '/v1beta1/publishers/google/models?pageSize=1', headers: {} };
    this.#host = { takesCallIds: false, alwaysFetchesUrls: true, readsBuckets: settings.readsBuckets };
  }

  /** Of express mode; other calls get in by a token. */
  authHeaders(apiKey: string | undefined): Record<string, string> {
    return apiKey === undefined ? {} : { 'x-goog-api-key': apiKey };
  }

  buildRequest(call: ProviderCall): WireRequest {
    const model = modelOf(call);
    return {
      path: toVertexPath(model, this.settings, call.stream),
      headers: {},
      body: model.publisher === 'anthropic' ? toVertexClaudeRequest(call) : toGeminiRequest(call, this.#host),
    };
  }

  droppedFields(call: ProviderCall, wire: WireRequest): readonly string[] {
    return isClaude(call)
      ? droppedAnthropicFields(call, wire.body as AnthropicRequest)
      : droppedGeminiFields(call, wire.body as GeminiRequest);
  }

  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
    if (!isClaude(call)) return fromGeminiAnswer(body, call);
    settleStructuredOutput(call);
    return fromAnthropicAnswer(body, call);
  }

  createStreamTranslator(call: ProviderCall): StreamTranslator {
    if (!isClaude(call)) return new GeminiStreamTranslator(call);
    settleStructuredOutput(call);
    return new AnthropicStreamTranslator(call);
  }

  parseError(failure: WireFailure): ProviderError {
    return fromVertexFailure(failure);
  }
}

function isClaude({ upstreamModel }: ProviderCall): boolean {
  return readVertexModel(upstreamModel)?.publisher === 'anthropic';
}

/** The boot has refused what is not of Google or Anthropic. */
function modelOf({ upstreamModel }: ProviderCall): VertexModel {
  const model = readVertexModel(upstreamModel);
  if (model === undefined) {
    throw new InvalidRequestError(
      'This model is neither of Google nor of Anthropic: Vertex AI serves it at its OpenAI-compatible endpoint.',
      'model',
    );
  }
  return model;
}
