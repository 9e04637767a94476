import type { ChatCompletionChunk, TokenUsage } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedToolCall, ExtendedToolCallDelta } from '../chat-extensions.js';
import { assertWithin, MAX_CHOICES } from '../answer-limits.js';
import { ChunkWriter } from '../chunk-writer.js';
import { toCompletionUsage } from '../completion-usage.js';
import {
  countOf,
  isJsonObject,
  listOf,
  nonEmptyTextOf,
  objectOf,
  parseJson,
  textOf,
  type JsonObject,
} from '../json-reading.js';
import type { ProviderCall, StreamTranslator, WireEvent } from '../provider-adapter.js';
import { isBlocked } from './from-gemini-answer.js';
import { fromGeminiErrorObject } from './from-gemini-error.js';
import { assertUsableFinish, fromGeminiFinishReason } from './from-gemini-finish-reason.js';
import { fromGeminiLogprobs } from './from-gemini-logprobs.js';
import { fromGeminiUsage } from './from-gemini-usage.js';
import { GeminiCandidateReader } from './gemini-candidate-reader.js';

interface OpenCandidate {
  readonly reader: GeminiCandidateReader;
  finishReason: string | undefined;
  toolCallCount: number;
}

/**
 * The stream of `streamGenerateContent?alt=sse`. It has no terminator: it is whole when every candidate has a finish
 * reason or the prompt was blocked, and a cut otherwise. Usage is a running total on every chunk; the last one
 * counts. Function calls come whole, one delta each.
 */
export class GeminiStreamTranslator implements StreamTranslator {
  readonly #writer: ChunkWriter;
  readonly #candidates = new Map<number, OpenCandidate>();
  #usage: TokenUsage | undefined;
  #isBlocked = false;
  #isTerminated = false;

  constructor(call: ProviderCall) {
    this.#writer = new ChunkWriter(call.upstreamModel);
  }

  /** True only behind a proxy that adds OpenAI's `[DONE]`: Gemini's body is read to its end. */
  get isTerminated(): boolean {
    return this.#isTerminated;
  }

  get usage(): TokenUsage | undefined {
    return this.#usage;
  }

  push(event: WireEvent): ChatCompletionChunk[] {
    const data = event.data.trim();
    if (this.#isTerminated || data === '') {
      return [];
    }
    if (data === '[DONE]') {
      this.#isTerminated = true;
      return [];
    }
    const body = parseJson(data);
    if (event.event === 'error' || hasError(body)) {
      throw fromGeminiErrorObject(body ?? data);
    }
    if (!isJsonObject(body)) {
      throw new ProviderError({ kind: 'bad_response' });
    }
    this.#writer.identify({ id: textOf(body.responseId), model: textOf(body.modelVersion) });
    this.#usage = fromGeminiUsage(body.usageMetadata) ?? this.#usage;
    this.#isBlocked ||= isBlocked(body);
    return listOf(body.candidates)
      .filter(isJsonObject)
      .flatMap((candidate, position) => this.#takeCandidate(candidate, countOf(candidate.index) ?? position));
  }

  end(): ChatCompletionChunk[] {
    const chunks: ChatCompletionChunk[] = [];
    if (this.#candidates.size === 0) {
      if (!this.#isBlocked) {
        throw new ProviderError({ kind: this.#isTerminated ? 'bad_response' : 'stream_cut' });
      }
      chunks.push(this.#writer.write(0, { content: '' }), this.#writer.write(0, {}, 'content_filter'));
    }
    for (const [index, candidate] of this.#candidates) {
      chunks.push(...this.#finishCandidate(index, candidate));
    }
    if (this.#usage !== undefined) {
      chunks.push(this.#writer.writeUsage(toCompletionUsage(this.#usage)));
    }
    return chunks;
  }

  #takeCandidate(value: JsonObject, index: number): ChatCompletionChunk[] {
    const candidate = this.#openCandidate(index);
    candidate.finishReason = nonEmptyTextOf(value.finishReason) ?? candidate.finishReason;
    const { text, reasoning, toolCalls, textSignature } = candidate.reader.take(value);
    const deltas = toDeltas(candidate, toolCalls);
    if (text === '' && reasoning === '' && deltas.length === 0 && textSignature === undefined) {
      return [];
    }
    return [
      this.#writer.write(
        index,
        {
          ...(text === '' ? {} : { content: text }),
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(textSignature === undefined
            ? {}
            : { extra_content: { google: { thought_signature: textSignature } } }),
          ...(deltas.length > 0 ? { tool_calls: deltas } : {}),
        },
        null,
        fromGeminiLogprobs(value.logprobsResult),
      ),
    ];
  }

  #openCandidate(index: number): OpenCandidate {
    const known = this.#candidates.get(index);
    if (known !== undefined) {
      return known;
    }
    const candidate: OpenCandidate = {
      reader: new GeminiCandidateReader(),
      finishReason: undefined,
      toolCallCount: 0,
    };
    this.#candidates.set(index, candidate);
    assertWithin(this.#candidates.size, MAX_CHOICES, 'too_many_choices');
    return candidate;
  }

  #finishCandidate(index: number, candidate: OpenCandidate): ChatCompletionChunk[] {
    const finishReason = candidate.finishReason ?? (this.#isBlocked ? 'SAFETY' : undefined);
    if (finishReason === undefined) {
      throw new ProviderError({ kind: 'stream_cut' });
    }
    const rest = toDeltas(candidate, candidate.reader.close());
    assertUsableFinish(finishReason, candidate.reader.hasContent);
    return [
      ...(rest.length > 0 ? [this.#writer.write(index, { tool_calls: rest })] : []),
      this.#writer.write(
        index,
        this.#writer.hasOpened(index) || rest.length > 0 ? {} : { content: '' },
        fromGeminiFinishReason(finishReason, candidate.reader.hasToolCalls),
      ),
    ];
  }
}

function hasError(body: unknown): boolean {
  const outer = objectOf(Array.isArray(body) ? listOf(body)[0] : body);
  return outer?.error !== undefined && outer.error !== null;
}

function toDeltas(candidate: OpenCandidate, toolCalls: readonly ExtendedToolCall[]): ExtendedToolCallDelta[] {
  return toolCalls.map((toolCall) => {
    const index = candidate.toolCallCount;
    candidate.toolCallCount += 1;
    return { index, ...toolCall };
  });
}
