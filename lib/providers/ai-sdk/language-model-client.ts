import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import type { AiSdkLanguageModel } from '../../config/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import { objectOf } from '../json-reading.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { withRecalledTurns } from '../recalled-turn.js';
import type { OpenedStream, PreparedCall, UpstreamClient } from '../upstream-client.js';
import { AiSdkStreamTranslator } from './ai-sdk-stream-translator.js';
import { fromAiSdkError } from './from-ai-sdk-error.js';
import { fromAiSdkResult } from './from-ai-sdk-result.js';
import { droppedAiSdkFields, toAiSdkCallOptions, type AiSdkCallOptions } from './to-ai-sdk-call-options.js';
import type { AskedModel } from './to-ai-sdk-prompt.js';
import { toVersion4, type Version4CallOptions } from './to-version-4.js';
import { untilAborted } from '../until-aborted.js';

/** A stream that does not end after its `finish` part is not waited for longer, in time or in parts. */
const MAX_ENDING_MS = 1_000;
const MAX_ENDING_PARTS = 100;

type AnyCallOptions = AiSdkCallOptions | Version4CallOptions;
type SignalledOptions = AnyCallOptions & { readonly abortSignal: AbortSignal };

/** A model whose shape has been looked at; what it gives has not. */
interface CheckedModel extends AskedModel {
  readonly isVersion4: boolean;
  doGenerate(options: SignalledOptions): PromiseLike<unknown>;
  doStream(options: SignalledOptions): PromiseLike<unknown>;
}

export interface LanguageModelClientOptions {
  /** The provider's name in the configuration. */
  readonly name: string;
  /** Makes a model of its name; called once for each, and again after it threw. */
  readonly languageModel: (modelId: string) => AiSdkLanguageModel;
}

/**
 * Calls the models that a provider of the AI SDK makes. Addresses, keys and retries are that provider's affair: there is
 * nothing to probe and no secret to know here.
 */
export class LanguageModelClient implements UpstreamClient {
  /** By the model's name at the provider: one for each deployment of the configuration. */
  readonly #models = new Map<string, CheckedModel>();

  constructor(private readonly options: LanguageModelClientOptions) {}

  readSecrets(): readonly string[] {
    return [];
  }

  prepare(call: ProviderCall): PreparedCall {
    const model = this.modelOf(call.upstreamModel);
    if (model instanceof ProviderError) {
      // It is the attempt that fails, so that the next deployment is asked.
      return { complete: () => Promise.reject(model), openStream: () => Promise.reject(model) };
    }
    const asked = toAiSdkCallOptions(this.withRecalled(call), model);
    const options = model.isVersion4 ? toVersion4(asked, call) : asked;
    return {
      droppedFields: droppedAiSdkFields(call, options),
      complete: (signal, onProgress) => complete(call, model, options, signal, onProgress),
      openStream: (signal) => openStream(call, model, options, signal),
    };
  }

  /** What the client lost, where it was a model of this provider that had said it. */
  private withRecalled({ recalledTurns, ...call }: ProviderCall): ProviderCall {
    if (recalledTurns === undefined) return call;
    const reader = { provider: this.options.name, readsOwnThinkingAlone: true };
    return { ...call, request: withRecalledTurns(call.request, recalledTurns, reader) };
  }

  private modelOf(name: string): CheckedModel | ProviderError {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    try {
      const model = check(this.options.languageModel(name), name);
      this.#models.set(name, model);
      return model;
    } catch (error) {
      return fromAiSdkError(error);
    }
  }
}

function check(model: unknown, name: string): CheckedModel {
  const { specificationVersion: version, provider, doGenerate, doStream } = objectOf(model) ?? {};
  if (typeof doGenerate !== 'function' || typeof doStream !== 'function') {
    throw new ProviderError({ kind: 'bad_response', providerCode: 'not_a_language_model' });
  }
  if (version !== 'v2' && version !== 'v3' && version !== 'v4') {
    throw new ProviderError({ kind: 'bad_response', providerCode: 'unsupported_specification' });
  }
  // Called on the model itself: its methods may need their `this`.
  const callable = model as Pick<CheckedModel, 'doGenerate' | 'doStream'>;
  return {
    // Version 4 is asked as version 3, and then brought into its own form.
    specificationVersion: version === 'v2' ? 'v2' : 'v3',
    isVersion4: version === 'v4',
    provider: typeof provider === 'string' ? provider : '',
    modelId: name,
    doGenerate: async (options) => callable.doGenerate(options),
    doStream: async (options) => callable.doStream(options),
  };
}

async function complete(
  call: ProviderCall,
  model: CheckedModel,
  options: AnyCallOptions,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<TranslatedAnswer> {
  signal.throwIfAborted();
  let result: unknown;
  try {
    result = await untilAborted(model.doGenerate({ ...options, abortSignal: signal }), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw fromAiSdkError(error);
  }
  onProgress();
  return fromAiSdkResult(result, call);
}

async function openStream(
  call: ProviderCall,
  model: CheckedModel,
  options: AnyCallOptions,
  signal: AbortSignal,
): Promise<OpenedStream> {
  signal.throwIfAborted();
  const opening = model.doStream({ ...options, abortSignal: signal });
  let reader: ReadableStreamDefaultReader<unknown>;
  try {
    reader = readerOf(await untilAborted(opening, signal));
  } catch (error) {
    if (!signal.aborted) throw fromAiSdkError(error);
    // It may open all the same, and nobody would read it.
    opening
      .then(
        (late) => {
          cancel(readerOf(late));
        },
        () => undefined,
      )
      .then(undefined, () => undefined);
    throw signal.reason;
  }
  const translator = new AiSdkStreamTranslator(call);
  const chunks = translate(reader, translator, signal);
  // Up to its first, empty yield: a generator that has not started runs no `finally` when it is returned.
  await chunks.next();
  return { chunks, usage: () => translator.usage };
}

/** @throws {@link ProviderError}, or a TypeError for a stream that somebody else reads. */
function readerOf(result: unknown): ReadableStreamDefaultReader<unknown> {
  const stream = objectOf(result)?.stream;
  if (typeof objectOf(stream)?.getReader !== 'function') {
    throw new ProviderError({ kind: 'bad_response', status: 200, providerCode: 'not_a_stream' });
  }
  return (stream as ReadableStream<unknown>).getReader();
}

/** Reads a part only when it is asked for the next chunks: who reads slowly is not run ahead of. */
async function* translate(
  reader: ReadableStreamDefaultReader<unknown>,
  translator: AiSdkStreamTranslator,
  signal: AbortSignal,
): AsyncGenerator<readonly ChatCompletionChunk[], void, undefined> {
  try {
    yield [];
    while (!translator.isTerminated) {
      const { done, value } = await untilAborted(reader.read(), signal);
      if (done) break;
      // Also when it is empty: any part says that the model is alive.
      yield translator.push(value);
    }
    yield translator.end();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw fromAiSdkError(error);
  } finally {
    if (translator.isTerminated && !signal.aborted) letEnd(reader);
    else cancel(reader);
  }
}

function cancel(reader: ReadableStreamDefaultReader<unknown>): void {
  // Nobody waits for it, and it may never come.
  reader.cancel().catch(() => undefined);
}

/** What follows the `finish` part is the end of the provider's answer; left unread, it would cost the connection. */
function letEnd(reader: ReadableStreamDefaultReader<unknown>): void {
  const timer = setTimeout(() => {
    cancel(reader);
  }, MAX_ENDING_MS).unref();
  const readOn = async (): Promise<void> => {
    for (let parts = 0; parts < MAX_ENDING_PARTS; parts += 1) {
      if ((await reader.read()).done) return;
    }
    cancel(reader);
  };
  readOn().then(
    () => {
      clearTimeout(timer);
    },
    () => {
      clearTimeout(timer);
    },
  );
}
