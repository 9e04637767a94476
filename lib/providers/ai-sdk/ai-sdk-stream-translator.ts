import type { ChatCompletionChunk, TokenUsage } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { FinishReason } from '../chat-extensions.js';
import { ChunkWriter } from '../chunk-writer.js';
import { toCompletionUsage } from '../completion-usage.js';
import { isJsonObject, nonEmptyTextOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { makeToolCallId } from '../made-up-ids.js';
import type { ProviderCall } from '../provider-adapter.js';
import { fromAiSdkError } from './from-ai-sdk-error.js';
import { fromAiSdkFinishReason } from './from-ai-sdk-finish-reason.js';
import {
  signaturesOf,
  toExtraContent,
  toReasoningDetail,
  type AiSdkSignatures,
} from './from-ai-sdk-metadata.js';
import { fromAiSdkTimestamp } from './from-ai-sdk-timestamp.js';
import { fromAiSdkToolInput } from './from-ai-sdk-tool-input.js';
import { fromAiSdkUsage } from './from-ai-sdk-usage.js';
import { refuseDroppedFeatures } from './refuse-dropped-features.js';

const CHOICE_INDEX = 0;
/** Thinking that is kept until its signature comes; 1,000,000 tokens stay under it. */
const MAX_THINKING_CHARACTERS = 16 * 1024 * 1024;
/** Blocks and calls of one answer that are remembered. */
const MAX_BLOCKS = 10_000;

/** Thinking that is still being written. */
interface OpenReasoning {
  readonly index: number;
  text: string;
  signatures: AiSdkSignatures;
}

interface KnownToolCall {
  /** Its number among the tool calls of our stream. */
  readonly toolIndex: number;
  /** Its input comes as JSON, piece by piece. */
  readonly hasDeltas: boolean;
  hasArguments: boolean;
  hasSignature: boolean;
}

/**
 * The parts of `doStream`'s stream, of either version of the specification, as OpenAI's chunks. One instance a stream, no
 * I/O. Thinking is sent as `reasoning_content` while it is written, and where it is signed or encrypted whole in
 * `reasoning_details` when its block ends. A tool call comes in pieces (`tool-input-start` and so on) and then whole
 * (`tool-call`), or only whole: what has been sent is not sent again, and no input becomes `{}`. A `finish` part ends the
 * stream.
 *
 * Left out: files the model made, sources, tools that the provider itself called and their results, requests for approval,
 * warnings of features whose loss the answer bears, raw chunks, and kinds yet to come.
 */
export class AiSdkStreamTranslator {
  readonly #writer: ChunkWriter;
  readonly #blocks = new Map<string, number>();
  readonly #openReasoning = new Map<string, OpenReasoning>();
  readonly #toolCalls = new Map<string, KnownToolCall>();
  readonly #ownTools = new Set<string>();
  #thinkingCharacters = 0;
  #finishReason: FinishReason | undefined;
  #usage: TokenUsage | undefined;

  constructor(private readonly call: ProviderCall) {
    this.#writer = new ChunkWriter(call.upstreamModel);
  }

  /** The `finish` part has been seen: nothing of use comes after it. */
  get isTerminated(): boolean {
    return this.#finishReason !== undefined;
  }

  /** What the `finish` part reported: there is none before. */
  get usage(): TokenUsage | undefined {
    return this.#usage;
  }

  /**
   * Takes the next part and gives the chunks it stands for, none to several.
   *
   * @throws {@link ProviderError} for an `error` part, for a `stream-start` that tells of a dropped format or dropped tools,
   * and for a `finish` whose reason is an error, or whose provider got none (`stream_cut`).
   */
  push(part: unknown): ChatCompletionChunk[] {
    if (this.isTerminated || !isJsonObject(part)) return [];
    const id = textOf(part.id) ?? '';
    switch (part.type) {
      case 'stream-start':
        refuseDroppedFeatures(part.warnings, this.call);
        return [];
      case 'response-metadata':
        this.#writer.identify({
          id: textOf(part.id),
          created: fromAiSdkTimestamp(part.timestamp),
          model: textOf(part.modelId),
        });
        return [];
      case 'text-start':
        this.#blockIndex(`text ${id}`);
        return this.#takeText(part);
      case 'text-delta':
      case 'text-end':
        return this.#takeText(part);
      case 'reasoning-start':
      case 'reasoning-delta':
        return this.#takeReasoning(id, part);
      case 'reasoning-end':
        this.#takeReasoning(id, part);
        return this.#endReasoning(id);
      case 'tool-input-start':
        return this.#startToolInput(id, part);
      case 'tool-input-delta':
        return this.#takeToolInput(id, part);
      case 'tool-call':
        return this.#takeToolCall(part);
      case 'finish':
        this.#usage = fromAiSdkUsage(part.usage);
        if (isWithoutReason(part.finishReason)) throw new ProviderError({ kind: 'stream_cut', status: 200 });
        this.#finishReason = fromAiSdkFinishReason(part.finishReason, this.#toolCalls.size > 0);
        return [];
      case 'error':
        throw fromAiSdkError(part.error);
      default:
        return [];
    }
  }

  /**
   * The stream has ended. Gives what is left to send, the usage chunk (`choices: []`) last.
   *
   * @throws {@link ProviderError} of kind `stream_cut` when there was no `finish` part.
   */
  end(): ChatCompletionChunk[] {
    if (this.#finishReason === undefined) {
      throw new ProviderError({ kind: 'stream_cut' });
    }
    const rest = [...this.#openReasoning.keys()].flatMap((id) => this.#endReasoning(id));
    for (const toolCall of this.#toolCalls.values()) {
      if (!toolCall.hasArguments) rest.push(...this.#writeArguments(toolCall, '{}'));
    }
    const hasOpened = this.#writer.hasOpened(CHOICE_INDEX);
    return [
      ...rest,
      this.#writer.write(CHOICE_INDEX, hasOpened ? {} : { content: '' }, this.#finishReason),
      ...(this.#usage === undefined ? [] : [this.#writer.writeUsage(toCompletionUsage(this.#usage))]),
    ];
  }

  /** The place of a block among those of the answer, in the order they began. */
  #blockIndex(key: string): number {
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const index = this.#blocks.size;
    if (index >= MAX_BLOCKS)
      throw new ProviderError({ kind: 'bad_response', providerCode: 'too_many_blocks' });
    this.#blocks.set(key, index);
    return index;
  }

  #takeText(part: JsonObject): ChatCompletionChunk[] {
    const delta = part.type === 'text-delta' ? nonEmptyTextOf(part.delta) : undefined;
    const signature = toExtraContent(signaturesOf(part.providerMetadata));
    return delta === undefined && signature.extra_content === undefined
      ? []
      : [
          this.#writer.write(CHOICE_INDEX, {
            ...(delta === undefined ? {} : { content: delta }),
            ...signature,
          }),
        ];
  }

  #takeReasoning(id: string, part: JsonObject): ChatCompletionChunk[] {
    let open = this.#openReasoning.get(id);
    if (open === undefined) {
      // Ids may come again after their block has ended.
      open = { index: this.#blockIndex(`reasoning ${this.#blocks.size} ${id}`), text: '', signatures: {} };
      this.#openReasoning.set(id, open);
    }
    open.signatures = { ...open.signatures, ...signaturesOf(part.providerMetadata) };
    const delta = part.type === 'reasoning-delta' ? nonEmptyTextOf(part.delta) : undefined;
    if (delta === undefined) return [];
    this.#thinkingCharacters += delta.length;
    if (this.#thinkingCharacters > MAX_THINKING_CHARACTERS) {
      throw new ProviderError({ kind: 'bad_response', providerCode: 'too_long' });
    }
    open.text += delta;
    return [this.#writer.write(CHOICE_INDEX, { reasoning_content: delta })];
  }

  /** Whole, at its end: in pieces its text would be sent twice, and only the signature makes it of use. */
  #endReasoning(id: string): ChatCompletionChunk[] {
    const open = this.#openReasoning.get(id);
    this.#openReasoning.delete(id);
    if (open === undefined) return [];
    this.#thinkingCharacters -= open.text.length;
    const detail = toReasoningDetail(open.text, open.signatures, open.index);
    return detail === undefined ? [] : [this.#writer.write(CHOICE_INDEX, { reasoning_details: [detail] })];
  }

  #startToolInput(id: string, part: JsonObject): ChatCompletionChunk[] {
    if (part.providerExecuted === true) {
      this.#blockIndex(`own tool ${id}`);
      this.#ownTools.add(id);
      return [];
    }
    if (id === '' || this.#toolCalls.has(id)) return [];
    // Deltas of text are no JSON: the input comes with the whole call.
    return this.#openToolCall(id, part, { hasDeltas: part.inputEncoding !== 'text', arguments: '' });
  }

  #takeToolInput(id: string, part: JsonObject): ChatCompletionChunk[] {
    const toolCall = this.#toolCalls.get(id);
    const delta = nonEmptyTextOf(part.delta);
    return toolCall?.hasDeltas === true && delta !== undefined ? this.#writeArguments(toolCall, delta) : [];
  }

  #takeToolCall(part: JsonObject): ChatCompletionChunk[] {
    const id = nonEmptyTextOf(part.toolCallId) ?? makeToolCallId();
    if (part.providerExecuted === true || this.#ownTools.has(id)) return [];
    const toolCall = this.#toolCalls.get(id);
    if (toolCall === undefined) {
      return this.#openToolCall(id, part, { hasDeltas: false, arguments: fromAiSdkToolInput(part.input) });
    }
    return [
      ...(toolCall.hasArguments ? [] : this.#writeArguments(toolCall, fromAiSdkToolInput(part.input))),
      ...this.#writeSignature(toolCall, part),
    ];
  }

  #openToolCall(
    id: string,
    part: JsonObject,
    how: { readonly hasDeltas: boolean; readonly arguments: string },
  ): ChatCompletionChunk[] {
    this.#blockIndex(`tool ${id}`);
    const signature = toExtraContent(signaturesOf(part.providerMetadata));
    const toolCall: KnownToolCall = {
      toolIndex: this.#toolCalls.size,
      hasDeltas: how.hasDeltas,
      hasArguments: how.arguments !== '',
      hasSignature: signature.extra_content !== undefined,
    };
    this.#toolCalls.set(id, toolCall);
    const name = textOf(part.toolName) ?? '';
    return [
      this.#writer.write(CHOICE_INDEX, {
        tool_calls: [
          {
            index: toolCall.toolIndex,
            id,
            type: 'function',
            function: { name, arguments: how.arguments },
            ...signature,
          },
        ],
      }),
    ];
  }

  #writeArguments(toolCall: KnownToolCall, json: string): ChatCompletionChunk[] {
    toolCall.hasArguments = true;
    return [
      this.#writer.write(CHOICE_INDEX, {
        tool_calls: [{ index: toolCall.toolIndex, function: { arguments: json } }],
      }),
    ];
  }

  /** Comes with the whole call where the pieces had none. Once: clients join what comes twice. */
  #writeSignature(toolCall: KnownToolCall, part: JsonObject): ChatCompletionChunk[] {
    const signature = toExtraContent(signaturesOf(part.providerMetadata));
    if (toolCall.hasSignature || signature.extra_content === undefined) return [];
    toolCall.hasSignature = true;
    const delta = { index: toolCall.toolIndex, ...signature };
    return [this.#writer.write(CHOICE_INDEX, { tool_calls: [delta] })];
  }
}

/** Providers put a `finish` behind streams that ended without a word, as `other` of which the upstream said nothing. */
function isWithoutReason(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  const details = objectOf(value);
  return details !== undefined && (details.unified ?? 'other') === 'other' && !nonEmptyTextOf(details.raw);
}
