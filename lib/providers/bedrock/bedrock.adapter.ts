import type { ProviderError } from '../../errors/provider-error.js';
import type { EventReader } from '../event-reader.js';
import type {
  ProviderAdapter,
  ProviderCall,
  StreamTranslator,
  TranslatedAnswer,
  WireEvent,
  WireFailure,
  WireRequest,
} from '../provider-adapter.js';
import { AmazonEventStreamReader } from './amazon-event-stream-reader.js';
import { loadBedrockPackage } from './bedrock-packages.js';
import { BedrockStreamTranslator } from './bedrock-stream-translator.js';
import { fromBedrockAnswer } from './from-bedrock-answer.js';
import { fromBedrockFailure } from './from-bedrock-error.js';
import { toBedrockRequest } from './to-bedrock-request.js';

/**
 * Converse and ConverseStream of Amazon Bedrock Runtime (API version 2023-09-30): one wire for the models of all makers.
 * A model is named by its id, by an inference profile, or by the ARN of either.
 *
 * The API has no list of models (that is another service's), so a probe asks nothing.
 */
export class BedrockAdapter implements ProviderAdapter {
  readonly defaultBaseUrl: string | undefined;

  /** @param options - `region` as AWS names it, such as `us-east-1`; undefined: the configuration has a base URL. */
  constructor({ region }: { readonly region: string | undefined }) {
    this.defaultBaseUrl = region === undefined ? undefined : defaultBaseUrlOf(region);
  }

  /** A Bedrock API key. Without one requests are signed instead. */
  authHeaders(apiKey: string | undefined): Record<string, string> {
    return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  buildRequest(call: ProviderCall): WireRequest {
    const operation = call.stream ? 'converse-stream' : 'converse';
    return {
      path: `/model/${encodeURIComponent(call.upstreamModel)}/${operation}`,
      headers: { accept: call.stream ? 'application/vnd.amazon.eventstream' : 'application/json' },
      body: toBedrockRequest(call),
    };
  }

  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
    return fromBedrockAnswer(body, call);
  }

  createStreamTranslator(call: ProviderCall): StreamTranslator {
    return new BedrockStreamTranslator(call);
  }

  async createEventReader(take: (event: WireEvent) => void): Promise<EventReader> {
    const { EventStreamCodec } = await loadBedrockPackage(
      '@smithy/eventstream-codec',
      () => import('@smithy/eventstream-codec'),
    );
    const codec = new EventStreamCodec(
      (bytes: string | Uint8Array) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
      (text) => new TextEncoder().encode(text),
    );
    return new AmazonEventStreamReader(codec, take);
  }

  parseError(failure: WireFailure): ProviderError {
    return fromBedrockFailure(failure);
  }
}

/** China is a partition of its own. */
function defaultBaseUrlOf(region: string): string {
  return `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
