import type { ProviderPreset } from '../../catalog/index.js';
import type { ProviderError } from '../../errors/provider-error.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  TranslatedAnswer,
  WireFailure,
  WireRequest,
} from '../provider-adapter.js';
import type { EmbeddingsWire } from '../embeddings-wire.js';
import { isJsonObject } from '../json-reading.js';
import { droppedOpenAiFields } from './dropped-openai-fields.js';
import { fromOpenAiAnswer } from './from-openai-answer.js';
import { fromOpenAiFailure } from './from-openai-error.js';
import { openAiEmbeddings } from './openai-embeddings.js';
import { OpenAiStreamTranslator } from './openai-stream-translator.js';
import { toOpenAiRequest } from './to-openai-request.js';
import { toPresetRequest } from './to-preset-request.js';

export interface OpenAiAdapterOptions {
  /** False: OpenAI itself. True: one of the many servers that speak its wire format, each a little differently. */
  readonly compatible: boolean;
  /** Whose habits are known, of the compatible ones. */
  readonly preset?: ProviderPreset;
}

/**
 * Chat completions of OpenAI (`POST /chat/completions`) and of everything that imitates them. The shape inside the
 * router is this wire's own, so requests go through nearly untouched and answers are only brought into line with
 * OpenAI's published schema.
 */
export class OpenAiAdapter implements ProviderAdapter {
  readonly defaultBaseUrl: string | undefined;
  readonly modelList = { path: '/models', headers: {} };
  readonly embeddings: EmbeddingsWire;
  readonly readsOwnThinkingAlone: boolean;
  readonly #isCompatible: boolean;
  readonly #preset: ProviderPreset | undefined;

  constructor(options: OpenAiAdapterOptions) {
    this.#isCompatible = options.compatible;
    this.readsOwnThinkingAlone = options.compatible;
    this.#preset = options.preset;
    this.embeddings = openAiEmbeddings(() => '/embeddings', {
      // Not every server that imitates OpenAI knows it.
      prefersBase64: !options.compatible,
      quirks: options.preset?.quirks,
    });
    this.defaultBaseUrl = options.compatible ? options.preset?.baseUrl : 'https://api.openai.com/v1';
  }

  /** No key, no header: local servers (Ollama, vLLM) want none. */
  authHeaders(apiKey: string | undefined): Record<string, string> {
    return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  buildRequest(call: ProviderCall): WireRequest {
    return {
      path: '/chat/completions',
      headers: {},
      body:
        this.#preset === undefined
          ? toOpenAiRequest(call, { isCompatible: this.#isCompatible })
          : toPresetRequest(call, this.#preset),
    };
  }

  /** Hints that the provider would refuse. */
  droppedFields(call: ProviderCall, wire: WireRequest): readonly string[] {
    return isJsonObject(wire.body) ? droppedOpenAiFields(call, wire.body) : [];
  }

  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
    return fromOpenAiAnswer(body, call, { isCompatible: this.#isCompatible });
  }

  createStreamTranslator(call: ProviderCall): StreamTranslator {
    return new OpenAiStreamTranslator(call, { isCompatible: this.#isCompatible });
  }

  parseError(failure: WireFailure): ProviderError {
    return fromOpenAiFailure(failure);
  }
}
