import type { ChatCompletionChunk, TokenUsage } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import { answerToolName } from '../anthropic/structured-output.js';
import type { ReasoningDetail } from '../chat-extensions.js';
import { assertWithin, MAX_BLOCKS } from '../answer-limits.js';
import { ChunkWriter } from '../chunk-writer.js';
import { toCompletionUsage } from '../completion-usage.js';
import {
  countOf,
  isJsonObject,
  nonEmptyTextOf,
  objectOf,
  parseJson,
  textOf,
  type JsonObject,
} from '../json-reading.js';
import { makeToolCallId } from '../made-up-ids.js';
import type { ProviderCall, StreamTranslator, WireEvent } from '../provider-adapter.js';
import { MAX_SIGNED_CHARACTERS } from '../signed-thinking-limit.js';
import { EXCEPTION_EVENT } from './amazon-event-stream-reader.js';
import { fromBedrockException } from './from-bedrock-error.js';
import { fromBedrockStopReason } from './from-bedrock-stop-reason.js';
import { fromBedrockUsage } from './from-bedrock-usage.js';
import { joinBase64 } from './join-base64.js';
import { toEncryptedDetail, toSignedDetail } from './reasoning-details.js';

const CHOICE_INDEX = 0;

interface OpenToolUse {
  /** Its number among the tool calls of our stream; undefined for the tool whose input is the answer. */
  readonly toolIndex: number | undefined;
  hasArguments: boolean;
}

interface OpenReasoning {
  text: string;
  signature: string;
  /** In pieces, each in base64 of its own. */
  readonly encrypted: string[];
}

/**
 * The stream of ConverseStream: `messageStart`, for each block `contentBlockStart` (tools alone need it),
 * `contentBlockDelta`, `contentBlockStop`, then `messageStop`, then `metadata` with the usage. The stream is whole with
 * the stop reason of `messageStop`, and over with `metadata`. Unknown events, deltas and blocks are skipped.
 *
 * Signed or encrypted thinking is written once, as one of `reasoning_details`, when its block ends.
 */
export class BedrockStreamTranslator implements StreamTranslator {
  readonly #writer: ChunkWriter;
  readonly #answerTool: string | undefined;
  readonly #openToolUses = new Map<number, OpenToolUse>();
  readonly #openReasoning = new Map<number, OpenReasoning>();
  #usage: TokenUsage | undefined;
  #toolCallCount = 0;
  #signedCharacters = 0;
  #hasAnswer = false;
  #stopReason: string | undefined;
  #isTerminated = false;

  constructor(call: ProviderCall) {
    this.#writer = new ChunkWriter(call.upstreamModel);
    this.#answerTool = answerToolName(call);
  }

  get isTerminated(): boolean {
    return this.#isTerminated;
  }

  get usage(): TokenUsage | undefined {
    return this.#usage;
  }

  push(event: WireEvent): ChatCompletionChunk[] {
    if (this.#isTerminated) {
      return [];
    }
    const body = parseJson(event.data);
    if (event.event === EXCEPTION_EVENT) {
      throw fromBedrockException(body);
    }
    if (!isJsonObject(body)) {
      throw new ProviderError({ kind: 'bad_response' });
    }
    const index = countOf(body.contentBlockIndex) ?? 0;
    switch (event.event ?? '') {
      case 'messageStart':
        return this.#writer.hasOpened(CHOICE_INDEX)
          ? []
          : [this.#writer.write(CHOICE_INDEX, { content: '' })];
      case 'contentBlockStart':
        return this.#startBlock(index, objectOf(body.start) ?? {});
      case 'contentBlockDelta':
        return this.#takeDelta(index, objectOf(body.delta) ?? {});
      case 'contentBlockStop':
        return this.#stopBlock(index);
      case 'messageStop':
        this.#stopReason = nonEmptyTextOf(body.stopReason) ?? this.#stopReason;
        return [];
      case 'metadata':
        this.#usage = fromBedrockUsage(body.usage) ?? this.#usage;
        this.#isTerminated = this.#stopReason !== undefined;
        return [];
      default:
        return [];
    }
  }

  end(): ChatCompletionChunk[] {
    if (this.#stopReason === undefined) {
      throw new ProviderError({ kind: 'stream_cut' });
    }
    const open = new Set([...this.#openReasoning.keys(), ...this.#openToolUses.keys()]);
    const rest = [...open].flatMap((index) => this.#stopBlock(index));
    const finishReason = fromBedrockStopReason(this.#stopReason, this.#toolCallCount > 0);
    return [
      ...rest,
      this.#writer.write(CHOICE_INDEX, {}, finishReason),
      ...(this.#usage === undefined ? [] : [this.#writer.writeUsage(toCompletionUsage(this.#usage))]),
    ];
  }

  #startBlock(index: number, start: JsonObject): ChatCompletionChunk[] {
    const left = this.#stopBlock(index);
    const toolUse = objectOf(start.toolUse);
    if (toolUse === undefined || toolUse.type === 'server_tool_use') {
      return left;
    }
    const name = textOf(toolUse.name) ?? '';
    if (name === this.#answerTool) {
      // Two answers in a row would be no JSON: the first one counts.
      if (!this.#hasAnswer) this.#openToolUses.set(index, { toolIndex: undefined, hasArguments: false });
      this.#hasAnswer = true;
      return left;
    }
    const toolIndex = this.#toolCallCount;
    this.#toolCallCount += 1;
    this.#openToolUses.set(index, { toolIndex, hasArguments: false });
    assertWithin(this.#openToolUses.size, MAX_BLOCKS, 'too_many_blocks');
    const toolCall = {
      index: toolIndex,
      id: nonEmptyTextOf(toolUse.toolUseId) ?? makeToolCallId(),
      type: 'function' as const,
      function: { name, arguments: '' },
    };
    return [...left, this.#writer.write(CHOICE_INDEX, { tool_calls: [toolCall] })];
  }

  #takeDelta(index: number, delta: JsonObject): ChatCompletionChunk[] {
    const json = nonEmptyTextOf(objectOf(delta.toolUse)?.input);
    const toolUse = this.#openToolUses.get(index);
    const reasoning = objectOf(delta.reasoningContent);
    return [
      ...this.#writeContent(textOf(delta.text)),
      ...(reasoning === undefined ? [] : this.#takeReasoning(index, reasoning)),
      // Input of Bedrock's own tools comes as the same kind of delta, for a block that is not open here.
      ...(toolUse === undefined || json === undefined ? [] : this.#writeArguments(toolUse, json)),
    ];
  }

  #takeReasoning(index: number, delta: JsonObject): ChatCompletionChunk[] {
    const text = textOf(delta.text) ?? '';
    const signature = textOf(delta.signature) ?? '';
    const encrypted = textOf(delta.redactedContent) ?? '';
    this.#signedCharacters += text.length + signature.length + encrypted.length;
    if (this.#signedCharacters <= MAX_SIGNED_CHARACTERS) {
      const open = this.#openReasoning.get(index) ?? { text: '', signature: '', encrypted: [] };
      open.text += text;
      open.signature += signature;
      if (encrypted !== '') open.encrypted.push(encrypted);
      this.#openReasoning.set(index, open);
      assertWithin(this.#openReasoning.size, MAX_BLOCKS, 'too_many_blocks');
    } else {
      this.#openReasoning.clear();
    }
    return text === '' ? [] : [this.#writer.write(CHOICE_INDEX, { reasoning_content: text })];
  }

  #stopBlock(index: number): ChatCompletionChunk[] {
    const reasoning = this.#openReasoning.get(index);
    const toolUse = this.#openToolUses.get(index);
    this.#openReasoning.delete(index);
    this.#openToolUses.delete(index);
    return [
      ...(reasoning === undefined ? [] : this.#writeDetails(reasoning, index)),
      ...(toolUse === undefined || toolUse.hasArguments ? [] : this.#writeArguments(toolUse, '{}')),
    ];
  }

  #writeDetails({ text, signature, encrypted }: OpenReasoning, index: number): ChatCompletionChunk[] {
    const details: ReasoningDetail[] = [
      ...(signature === '' ? [] : [toSignedDetail(text, signature, index)]),
      ...(encrypted.length === 0 ? [] : [toEncryptedDetail(joinBase64(encrypted), index)]),
    ];
    return details.length === 0 ? [] : [this.#writer.write(CHOICE_INDEX, { reasoning_details: details })];
  }

  #writeArguments(toolUse: OpenToolUse, json: string): ChatCompletionChunk[] {
    toolUse.hasArguments = true;
    return toolUse.toolIndex === undefined
      ? this.#writeContent(json)
      : [
          this.#writer.write(CHOICE_INDEX, {
            tool_calls: [{ index: toolUse.toolIndex, function: { arguments: json } }],
          }),
        ];
  }

  #writeContent(text: string | undefined): ChatCompletionChunk[] {
    return text === undefined || text === '' ? [] : [this.#writer.write(CHOICE_INDEX, { content: text })];
  }
}
