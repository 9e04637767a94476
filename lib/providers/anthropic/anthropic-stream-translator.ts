import type { ChatCompletionChunk, TokenUsage } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import { assertWithin, MAX_BLOCKS, MAX_HELD_CHARACTERS } from '../answer-limits.js';
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
import { fromThinkingBlock } from './anthropic-reasoning.js';
import { fromAnthropicErrorEvent } from './from-anthropic-error.js';
import { fromAnthropicStopReason } from './from-anthropic-stop-reason.js';
import { AnthropicUsage } from './from-anthropic-usage.js';
import { answerToolName } from './structured-output.js';

const CHOICE_INDEX = 0;

/** A block of thinking that is still being written. */
interface OpenThinking {
  readonly block: JsonObject;
  text: string;
  signature: string;
}

interface OpenToolUse {
  /** Its number among the tool calls of our stream; undefined for the tool whose input is the answer. */
  readonly toolIndex: number | undefined;
  /** Input that came whole with the block's start. */
  readonly initialInput: string;
  hasArguments: boolean;
}

/**
 * The stream of the Messages API. Blocks have numbers of their own, so tool calls are counted from 0. A tool call
 * without arguments sends no argument delta at all and gets `{}` when its block ends. Signed thinking is sent as
 * `reasoning_content` while it is written, and whole in `reasoning_details` when its block ends. Unknown events, deltas and
 * blocks are skipped. `message_stop` ends the stream; a proxy's `[DONE]` does too, once there was a stop reason. Without a stop reason it is a cut,
 * whatever ends it: a proxy may close what it could not read to its end.
 *
 * With fallback models Anthropic may begin the message anew within a stream: text goes on, but an open tool call can
 * be neither finished nor taken back, so that is a `bad_response`.
 */
export class AnthropicStreamTranslator implements StreamTranslator {
  readonly #writer: ChunkWriter;
  readonly #usage = new AnthropicUsage();
  readonly #answerTool: string | undefined;
  readonly #openToolUses = new Map<number, OpenToolUse>();
  readonly #openThinking = new Map<number, OpenThinking>();
  #toolCallCount = 0;
  #signedCharacters = 0;
  #heldCharacters = 0;
  #hasStarted = false;
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
    return this.#usage.tokens;
  }

  push(event: WireEvent): ChatCompletionChunk[] {
    const data = event.data.trim();
    if (this.#isTerminated || data === '') {
      return [];
    }
    if (data === '[DONE]') {
      this.#isTerminated = this.#stopReason !== undefined;
      return [];
    }
    const body = parseJson(data);
    if (event.event === 'error') {
      throw fromAnthropicErrorEvent(body ?? data);
    }
    if (!isJsonObject(body)) {
      throw new ProviderError({ kind: 'bad_response' });
    }
    switch (body.type) {
      case 'error':
        throw fromAnthropicErrorEvent(body);
      case 'message_start':
        return this.#startMessage(objectOf(body.message) ?? {});
      case 'content_block_start':
        return this.#startBlock(countOf(body.index) ?? 0, objectOf(body.content_block) ?? {});
      case 'content_block_delta':
        return this.#takeDelta(countOf(body.index) ?? 0, objectOf(body.delta) ?? {});
      case 'content_block_stop':
        return this.#stopBlock(countOf(body.index) ?? 0);
      case 'message_delta':
        this.#usage.take(body.usage);
        this.#stopReason = nonEmptyTextOf(objectOf(body.delta)?.stop_reason) ?? this.#stopReason;
        return [];
      case 'message_stop':
        this.#isTerminated = true;
        return [];
      default:
        return [];
    }
  }

  end(): ChatCompletionChunk[] {
    if (this.#isTerminated && !this.#hasStarted) {
      throw new ProviderError({ kind: 'bad_response' });
    }
    if (!this.#isTerminated || this.#stopReason === undefined) {
      throw new ProviderError({ kind: 'stream_cut' });
    }
    const open = [...this.#openThinking.keys(), ...this.#openToolUses.keys()];
    const rest = open.flatMap((index) => this.#stopBlock(index));
    const finishReason = fromAnthropicStopReason(this.#stopReason, this.#toolCallCount > 0);
    const { tokens } = this.#usage;
    return [
      ...rest,
      this.#writer.write(CHOICE_INDEX, {}, finishReason),
      ...(tokens === undefined ? [] : [this.#writer.writeUsage(toCompletionUsage(tokens))]),
    ];
  }

  #startMessage(message: JsonObject): ChatCompletionChunk[] {
    this.#usage.take(message.usage);
    // Of a message that comes whole in its first event.
    this.#stopReason = nonEmptyTextOf(message.stop_reason) ?? this.#stopReason;
    if (this.#hasStarted) {
      if (this.#openToolUses.size > 0) {
        throw new ProviderError({ kind: 'bad_response' });
      }
      return [];
    }
    this.#hasStarted = true;
    this.#writer.identify({ id: textOf(message.id), model: textOf(message.model) });
    // Calls made by Anthropic's programs come whole in the first event, without blocks of their own.
    return [
      this.#writer.write(CHOICE_INDEX, { content: '' }),
      ...(Array.isArray(message.content) ? message.content : [])
        .filter(isJsonObject)
        .flatMap((block, position) => {
          // Below zero: no later block has that number.
          const index = -1 - position;
          return [...this.#startBlock(index, block), ...this.#stopBlock(index)];
        }),
    ];
  }

  #startBlock(index: number, block: JsonObject): ChatCompletionChunk[] {
    this.#hasStarted = true;
    switch (block.type) {
      case 'text':
        return this.#writeContent(textOf(block.text));
      case 'thinking':
        this.#openThinkingBlock(index, { type: 'thinking' });
        this.#keepThinking(index, 'text', textOf(block.thinking));
        this.#keepThinking(index, 'signature', textOf(block.signature));
        return this.#writeReasoning(textOf(block.thinking));
      case 'redacted_thinking':
        this.#openThinkingBlock(index, { type: 'redacted_thinking', data: block.data });
        this.#hold(textOf(block.data)?.length ?? 0);
        return [];
      case 'tool_use':
        return this.#startToolUse(index, block);
      default:
        return [];
    }
  }

  #openThinkingBlock(index: number, block: JsonObject): void {
    this.#openThinking.set(index, { block, text: '', signature: '' });
    assertWithin(this.#openThinking.size, MAX_BLOCKS, 'too_many_blocks');
  }

  /** What is kept until its block ends, and blocks may never end. */
  #hold(characters: number): void {
    this.#heldCharacters += characters;
    assertWithin(this.#heldCharacters, MAX_HELD_CHARACTERS, 'too_long');
  }

  #startToolUse(index: number, block: JsonObject): ChatCompletionChunk[] {
    const name = textOf(block.name) ?? '';
    const input = objectOf(block.input) ?? {};
    const isAnswer = name === this.#answerTool;
    const toolIndex = isAnswer ? undefined : this.#toolCallCount;
    const left = this.#stopBlock(index);
    if (isAnswer && this.#hasAnswer) {
      // Two answers in a row would be no JSON: the first one counts.
      return left;
    }
    this.#hasAnswer ||= isAnswer;
    const initialInput = JSON.stringify(input);
    this.#hold(initialInput.length);
    this.#openToolUses.set(index, { toolIndex, initialInput, hasArguments: false });
    assertWithin(this.#openToolUses.size, MAX_BLOCKS, 'too_many_blocks');
    if (toolIndex === undefined) {
      return left;
    }
    this.#toolCallCount += 1;
    const toolCall = {
      index: toolIndex,
      id: nonEmptyTextOf(block.id) ?? makeToolCallId(),
      type: 'function' as const,
      function: { name, arguments: '' },
    };
    return [...left, this.#writer.write(CHOICE_INDEX, { tool_calls: [toolCall] })];
  }

  #takeDelta(index: number, delta: JsonObject): ChatCompletionChunk[] {
    switch (delta.type) {
      case 'text_delta':
        return this.#writeContent(textOf(delta.text));
      case 'thinking_delta':
        this.#keepThinking(index, 'text', textOf(delta.thinking));
        return this.#writeReasoning(textOf(delta.thinking));
      case 'signature_delta':
        this.#keepThinking(index, 'signature', textOf(delta.signature));
        return [];
      case 'input_json_delta': {
        // Input of Anthropic's own tools comes as the same kind of delta, for a block that is not open here.
        const toolUse = this.#openToolUses.get(index);
        const json = textOf(delta.partial_json) ?? '';
        return toolUse === undefined || json === '' ? [] : this.#writeArguments(toolUse, json);
      }
      default:
        return [];
    }
  }

  #keepThinking(index: number, name: 'text' | 'signature', piece = ''): void {
    const thinking = this.#openThinking.get(index);
    if (thinking === undefined) return;
    this.#signedCharacters += piece.length;
    if (this.#signedCharacters <= MAX_SIGNED_CHARACTERS) thinking[name] += piece;
    else this.#openThinking.delete(index);
  }

  #stopBlock(index: number): ChatCompletionChunk[] {
    const thinking = this.#openThinking.get(index);
    if (thinking !== undefined) {
      this.#openThinking.delete(index);
      return this.#writeThinking(thinking, index);
    }
    const toolUse = this.#openToolUses.get(index);
    this.#openToolUses.delete(index);
    return toolUse === undefined || toolUse.hasArguments
      ? []
      : this.#writeArguments(toolUse, toolUse.initialInput);
  }

  /** Whole, at its end: in pieces its text would be sent twice, and only the signature makes it of use. */
  #writeThinking({ block, text, signature }: OpenThinking, index: number): ChatCompletionChunk[] {
    const whole = block.type === 'thinking' ? { ...block, thinking: text, signature } : block;
    const detail = fromThinkingBlock(whole, index);
    return detail === undefined ? [] : [this.#writer.write(CHOICE_INDEX, { reasoning_details: [detail] })];
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

  #writeReasoning(text: string | undefined): ChatCompletionChunk[] {
    return text === undefined || text === ''
      ? []
      : [this.#writer.write(CHOICE_INDEX, { reasoning_content: text })];
  }
}
