import type {
  Response,
  ResponseOutputItem,
  ResponseOutputText,
  ResponseStreamEvent,
  ResponseUsage,
} from 'openai/resources/responses/responses';
import type { ChatCompletionChunk } from '../chat/index.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import { asksFor } from './asks-for.js';
import { fromChatLogprobs } from './from-chat-logprobs.js';
import { fromChatUsage } from './from-chat-usage.js';
import { fromRouterError } from './from-router-error.js';
import { makeItemId } from './item-id.js';
import { listOf, nonEmptyTextOf, objectOf, textOf, type JsonObject } from './json-reading.js';
import {
  type ItemStatus,
  messageItem,
  reasoningItem,
  refusalPart,
  textPart,
  toolCallItem,
} from './output-items.js';
import { addReasoningDetails } from './reasoning-details.js';
import {
  emptyReasoningState,
  encodeReasoning,
  keptExtraContent,
  type ReasoningState,
} from './reasoning-envelope.js';
import { toResponseEnding } from './response-ending.js';
import { type ResponseState, toResponse } from './response-frame.js';

type Logprobs = NonNullable<ResponseOutputText['logprobs']>;

/** An event before it is numbered. */
type Unnumbered<Event = ResponseStreamEvent> = Event extends unknown ? Omit<Event, 'sequence_number'> : never;

interface OpenReasoning {
  readonly id: string;
  readonly outputIndex: number;
  text: string;
}

interface OpenPart {
  readonly kind: 'text' | 'refusal';
  text: string;
  readonly logprobs: Logprobs;
}

interface OpenMessage {
  readonly id: string;
  readonly outputIndex: number;
  readonly parts: OpenPart[];
}

interface OpenToolCall {
  readonly kind: 'function' | 'custom';
  readonly id: string;
  readonly callId: string;
  readonly outputIndex: number;
  readonly name: string;
  input: string;
}

/** A call whose name has not come yet. */
interface PendingToolCall {
  readonly pendingInput: string;
  readonly callId: string | undefined;
}

/**
 * The chunks of one chat completion as the events of a streamed response, numbered.
 *
 * Order: `response.created`, `response.in_progress`; then the items as they begin: reasoning, which ends where anything
 * else begins, one message, and the tool calls. Message and tool calls stay open to the end, as pieces of them may
 * come in any order. What is to be given back in `encrypted_content` but comes after the reasoning has ended (Google's
 * thought signatures stand on tool calls) is a reasoning item of its own, behind what began before it. The final event has the whole
 * response with its usage; there is no `[DONE]`. After an error: `error`, then `response.failed`.
 *
 * What it keeps is the answer itself, which the final event repeats.
 *
 * Source: OpenAI API reference, "Streaming events" of Responses. Lost: as in `fromChatCompletion`, and obfuscation.
 */
export class ResponseEventTranslator {
  readonly #request: JsonObject;
  readonly #wantsLogprobs: boolean;
  readonly #wantsEncrypted: boolean;
  readonly #id = makeItemId('resp');
  /** Undefined while an item is open. */
  readonly #output: (ResponseOutputItem | undefined)[] = [];
  readonly #toolCalls = new Map<number, OpenToolCall | PendingToolCall>();
  #reasoningState: ReasoningState = emptyReasoningState();
  #reasoning: OpenReasoning | undefined;
  #message: OpenMessage | undefined;
  #sequence = 0;
  #createdAt: number | undefined;
  #model: string;
  #serviceTier: Response['service_tier'];
  #finishReason: string | undefined;
  #usage: ResponseUsage | undefined;
  #events: ResponseStreamEvent[] = [];

  /**
   * @param body - The body of the Responses request, which has passed `toChatRequest`.
   * @param nowSeconds - The present, for a stream that fails before its first chunk.
   */
  constructor(
    body: unknown,
    private readonly nowSeconds: () => number,
  ) {
    this.#request = objectOf(body);
    this.#wantsLogprobs = asksFor(body, 'message.output_text.logprobs');
    this.#wantsEncrypted = asksFor(body, 'reasoning.encrypted_content');
    this.#model = nonEmptyTextOf(this.#request.model) ?? 'auto';
  }

  push(chunk: ChatCompletionChunk): ResponseStreamEvent[] {
    this.#model = nonEmptyTextOf(chunk.model) ?? this.#model;
    this.#createdAt ??= chunk.created;
    this.#serviceTier = chunk.service_tier ?? this.#serviceTier;
    this.#start();
    this.#usage = fromChatUsage(chunk.usage) ?? this.#usage;
    for (const choice of chunk.choices) {
      if (choice.index !== 0) continue;
      this.#takeDelta(objectOf(choice.delta), choice.logprobs);
      this.#finishReason = choice.finish_reason ?? this.#finishReason;
    }
    return this.#take();
  }

  /** The chunks have ended as they should. */
  end(): ResponseStreamEvent[] {
    this.#start();
    const { status, incomplete_details } = toResponseEnding(this.#finishReason);
    this.#closeReasoning();
    if (this.#message === undefined && this.#toolCalls.size === 0) this.#addText('text', '', []);
    this.#closeMessage(status);
    this.#closeToolCalls(status);
    const response = this.#response({ status, incomplete_details, error: null });
    this.#emit({ type: status === 'completed' ? 'response.completed' : 'response.incomplete', response });
    return this.#take();
  }

  /** The chunks have ended in an error. */
  fail(error: LlmRouterError): ResponseStreamEvent[] {
    this.#start();
    this.#cutOff();
    this.#emit({ type: 'error', code: error.code, message: error.message, param: error.param ?? null });
    const response = this.#response({
      status: 'failed',
      incomplete_details: null,
      error: fromRouterError(error),
    });
    this.#emit({ type: 'response.failed', response });
    return this.#take();
  }

  /** Puts what has come of open items into the output without a word of it: a done call would be carried out. */
  #cutOff(): void {
    const [told, sequence] = [this.#events.length, this.#sequence];
    this.#closeReasoning();
    this.#closeMessage('incomplete');
    this.#closeToolCalls('incomplete');
    this.#events.length = told;
    this.#sequence = sequence;
  }

  #emit(event: Unnumbered): void {
    this.#events.push({ ...event, sequence_number: this.#sequence });
    this.#sequence += 1;
  }

  #take(): ResponseStreamEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #start(): void {
    if (this.#sequence > 0) return;
    const response = this.#response({ status: 'in_progress', incomplete_details: null, error: null });
    this.#emit({ type: 'response.created', response });
    this.#emit({ type: 'response.in_progress', response });
  }

  #response(state: Pick<ResponseState, 'status' | 'incomplete_details' | 'error'>): Response {
    this.#createdAt ??= this.nowSeconds();
    return toResponse(
      { id: this.#id, createdAt: this.#createdAt, model: this.#model },
      {
        ...state,
        output: this.#output.filter((item) => item !== undefined),
        usage: this.#usage,
        service_tier: this.#serviceTier,
      },
      this.#request,
    );
  }

  #takeDelta(delta: JsonObject, logprobs: unknown): void {
    if (this.#wantsEncrypted) addReasoningDetails(this.#reasoningState.details, delta.reasoning_details);
    const thought = nonEmptyTextOf(delta.reasoning_content);
    if (thought !== undefined) this.#addThought(thought);
    const text = nonEmptyTextOf(delta.content);
    if (text !== undefined) {
      this.#addText('text', text, this.#wantsLogprobs ? fromChatLogprobs(logprobs) : []);
    }
    const refusal = nonEmptyTextOf(delta.refusal);
    if (refusal !== undefined) this.#addText('refusal', refusal, []);
    for (const call of listOf(delta.tool_calls)) this.#addToolCall(objectOf(call));
  }

  /** The place of a new item. */
  #open(): number {
    return this.#output.push(undefined) - 1;
  }

  #done(outputIndex: number, item: ResponseOutputItem): void {
    this.#output[outputIndex] = item;
    this.#emit({ type: 'response.output_item.done', output_index: outputIndex, item });
  }

  #addThought(delta: string): void {
    if (this.#reasoning === undefined) {
      const id = makeItemId('rs');
      const outputIndex = this.#open();
      this.#reasoning = { id, outputIndex, text: '' };
      this.#emit({
        type: 'response.output_item.added',
        output_index: outputIndex,
        item: reasoningItem(id, []),
      });
      this.#emit({
        type: 'response.reasoning_summary_part.added',
        item_id: id,
        output_index: outputIndex,
        summary_index: 0,
        part: { type: 'summary_text', text: '' },
      });
    }
    const { id, outputIndex } = this.#reasoning;
    this.#reasoning.text += delta;
    this.#emit({
      type: 'response.reasoning_summary_text.delta',
      item_id: id,
      output_index: outputIndex,
      summary_index: 0,
      delta,
    });
  }

  #closeReasoning(): void {
    if (this.#reasoning === undefined) {
      this.#addLateReasoning();
      return;
    }
    const { id, outputIndex, text } = this.#reasoning;
    this.#reasoning = undefined;
    const place = { item_id: id, output_index: outputIndex, summary_index: 0 };
    this.#emit({ type: 'response.reasoning_summary_text.done', ...place, text });
    this.#emit({
      type: 'response.reasoning_summary_part.done',
      ...place,
      part: { type: 'summary_text', text },
    });
    this.#done(outputIndex, reasoningItem(id, [text], this.#takeEnvelope()));
  }

  /** An item for what no reasoning item was open to take. */
  #addLateReasoning(): void {
    const encrypted = this.#takeEnvelope();
    if (encrypted === undefined) return;
    const item = reasoningItem(makeItemId('rs'), [], encrypted);
    const outputIndex = this.#open();
    this.#emit({ type: 'response.output_item.added', output_index: outputIndex, item });
    this.#done(outputIndex, item);
  }

  #takeEnvelope(): string | undefined {
    const encrypted = encodeReasoning(this.#reasoningState);
    this.#reasoningState = emptyReasoningState();
    return encrypted;
  }

  #addText(kind: OpenPart['kind'], delta: string, logprobs: Logprobs): void {
    const message = this.#openMessage();
    let contentIndex = message.parts.findIndex((part) => part.kind === kind);
    if (contentIndex === -1) {
      contentIndex = message.parts.push({ kind, text: '', logprobs: [] }) - 1;
      this.#emit({
        type: 'response.content_part.added',
        item_id: message.id,
        output_index: message.outputIndex,
        content_index: contentIndex,
        part: kind === 'text' ? textPart('') : refusalPart(''),
      });
    }
    const part = message.parts[contentIndex];
    if (part === undefined || delta === '') return;
    part.text += delta;
    for (const logprob of logprobs) part.logprobs.push(logprob);
    const place = {
      item_id: message.id,
      output_index: message.outputIndex,
      content_index: contentIndex,
      delta,
    };
    if (kind === 'text') this.#emit({ type: 'response.output_text.delta', ...place, logprobs });
    else this.#emit({ type: 'response.refusal.delta', ...place });
  }

  #openMessage(): OpenMessage {
    if (this.#message !== undefined) return this.#message;
    this.#closeReasoning();
    const id = makeItemId('msg');
    const outputIndex = this.#open();
    this.#message = { id, outputIndex, parts: [] };
    this.#emit({
      type: 'response.output_item.added',
      output_index: outputIndex,
      item: messageItem(id, [], 'in_progress'),
    });
    return this.#message;
  }

  #closeMessage(status: ItemStatus): void {
    if (this.#message === undefined) return;
    const { id, outputIndex, parts } = this.#message;
    const content = parts.map(({ kind, text, logprobs }, contentIndex) => {
      const part = kind === 'text' ? textPart(text, logprobs) : refusalPart(text);
      const place = { item_id: id, output_index: outputIndex, content_index: contentIndex };
      if (kind === 'text') this.#emit({ type: 'response.output_text.done', ...place, text, logprobs });
      else this.#emit({ type: 'response.refusal.done', ...place, refusal: text });
      this.#emit({ type: 'response.content_part.done', ...place, part });
      return part;
    });
    this.#done(outputIndex, messageItem(id, content, status));
  }

  #addToolCall(delta: JsonObject): void {
    const index = typeof delta.index === 'number' ? delta.index : this.#toolCalls.size;
    const kind = delta.type === 'custom' || delta.custom !== undefined ? 'custom' : 'function';
    const called = objectOf(delta[kind]);
    const input = textOf(kind === 'custom' ? called.input : called.arguments) ?? '';
    const call = this.#openToolCall(index, kind, textOf(delta.id), nonEmptyTextOf(called.name), input);
    if (call === undefined) return;
    if (this.#wantsEncrypted) {
      const kept = keptExtraContent(delta.extra_content);
      if (kept !== undefined) this.#reasoningState.toolCallExtras.set(call.callId, kept);
    }
  }

  /** Adds to the call of an index; undefined while its name has not come. */
  #openToolCall(
    index: number,
    kind: OpenToolCall['kind'],
    callId: string | undefined,
    name: string | undefined,
    input: string,
  ): OpenToolCall | undefined {
    const known = this.#toolCalls.get(index);
    if (known !== undefined && 'name' in known) {
      this.#addInput(known, input);
      return known;
    }
    const wholeInput = (known?.pendingInput ?? '') + input;
    const knownCallId = callId ?? known?.callId;
    if (name === undefined) {
      this.#toolCalls.set(index, { pendingInput: wholeInput, callId: knownCallId });
      return undefined;
    }
    this.#closeReasoning();
    const call: OpenToolCall = {
      kind,
      id: makeItemId(kind === 'custom' ? 'ctc' : 'fc'),
      callId: knownCallId ?? makeItemId('fc'),
      outputIndex: this.#open(),
      name,
      input: '',
    };
    this.#toolCalls.set(index, call);
    this.#emit({
      type: 'response.output_item.added',
      output_index: call.outputIndex,
      item: toolCallItem(call.id, call, 'in_progress') as ResponseOutputItem,
    });
    this.#addInput(call, wholeInput);
    return call;
  }

  #addInput(call: OpenToolCall, delta: string): void {
    if (delta === '') return;
    call.input += delta;
    this.#emit({
      type:
        call.kind === 'custom'
          ? 'response.custom_tool_call_input.delta'
          : 'response.function_call_arguments.delta',
      item_id: call.id,
      output_index: call.outputIndex,
      delta,
    });
  }

  #closeToolCalls(status: ItemStatus): void {
    for (const call of this.#toolCalls.values()) {
      if (!('name' in call)) continue;
      const place = { item_id: call.id, output_index: call.outputIndex };
      if (call.kind === 'custom') {
        this.#emit({ type: 'response.custom_tool_call_input.done', ...place, input: call.input });
      } else {
        const { name, input } = call;
        this.#emit({ type: 'response.function_call_arguments.done', ...place, name, arguments: input });
      }
      this.#done(call.outputIndex, toolCallItem(call.id, call, status));
    }
  }
}
