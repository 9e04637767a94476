import type { ProviderError } from '../../errors/provider-error.js';
import { fromOpenAiAnswer } from '../openai/from-openai-answer.js';
import { openAiEmbeddings } from '../openai/openai-embeddings.js';
import { OpenAiStreamTranslator } from '../openai/openai-stream-translator.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  TranslatedAnswer,
  WireFailure,
  WireRequest,
} from '../provider-adapter.js';
import { fromAzureFailure } from './from-azure-error.js';
import { toAzureModelListPath, toAzurePath } from './to-azure-path.js';
import { toAzureRequest } from './to-azure-request.js';

export interface AzureOpenAiAdapterOptions {
  /** `api-version` of the calls; undefined: the v1 API, which wants none. */
  readonly apiVersion: string | undefined;
}

/**
 * Chat completions of Azure OpenAI. `upstreamModel` is the name of the deployment, which its owner made up.
 *
 * Answers are OpenAI's, with the verdicts of Azure's content filter around them: `prompt_filter_results` of a whole
 * answer stays, those of choices and of a stream's first chunk (which has no choices) are left out. A filtered prompt
 * is a 400 `content_filter`, a filtered answer ends with `finish_reason: "content_filter"`.
 */
export class AzureOpenAiAdapter implements ProviderAdapter {
  /** Every resource has an address of its own. */
  readonly defaultBaseUrl = undefined;

  readonly embeddings = openAiEmbeddings(
    (deployment) => toAzurePath(deployment, this.options.apiVersion, 'embeddings'),
    // It serves other makers' models too, which need not know it.
    { prefersBase64: false },
  );

  constructor(private readonly options: AzureOpenAiAdapterOptions) {}

  get modelList(): { path: string; headers: Record<string, string> } {
    return { path: toAzureModelListPath(this.options.apiVersion), headers: {} };
  }

  /** `Authorization` is for Microsoft Entra ID's tokens, never for keys. */
  authHeaders(apiKey: string | undefined): Record<string, string> {
    return apiKey === undefined ? {} : { 'api-key': apiKey };
  }

  buildRequest(call: ProviderCall): WireRequest {
    const { apiVersion } = this.options;
    return {
      path: toAzurePath(call.upstreamModel, apiVersion),
      headers: {},
      body: toAzureRequest(call, apiVersion),
    };
  }

  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
    return fromOpenAiAnswer(body, call, { isCompatible: false });
  }

  createStreamTranslator(call: ProviderCall): StreamTranslator {
    return new OpenAiStreamTranslator(call, { isCompatible: false });
  }

  parseError(failure: WireFailure): ProviderError {
    return fromAzureFailure(failure);
  }
}
