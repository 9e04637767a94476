import type { ChatCompletionChunk, TokenUsage } from '../../chat/chat-types.js';
import { keepWireText } from '../../chat/wire-text.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedDelta, ExtendedToolCallDelta } from '../chat-extensions.js';
import { assertWithin, MAX_CHOICES } from '../answer-limits.js';
import { ChunkWriter } from '../chunk-writer.js';
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
import { fromOpenAiContent, fromOpenAiFinishReason } from './from-openai-content.js';
import { findOpenAiError, fromOpenAiErrorObject } from './from-openai-error.js';
import { keptExtras, logprobsOf } from './from-openai-extras.js';
import { fromOpenAiUsage, type OpenAiUsage } from './from-openai-usage.js';
import { OpenAiToolCalls } from './openai-tool-calls.js';
import { saysTheSame } from './says-the-same.js';

interface OpenChoice {
  readonly toolCalls: OpenAiToolCalls;
  /** The last finish reason the upstream gave. */
  finishReason: string | undefined;
  /** What it came in. */
  finishedBy: Arrival | undefined;
}

/** A chunk as it came. */
interface Arrival {
  readonly body: JsonObject;
  readonly text: string;
}

/**
 * The stream of OpenAI and its imitators.
 *
 * Finish reasons are held back until the stream has ended: some servers repeat them, or send content or an error
 * after them. Usage may come on any chunk and on several; the last one is sent, on a chunk of its own.
 *
 * A chunk of which nothing has to be changed goes on as the text that came (`keepWireText`).
 *
 * A line that is no JSON fails the stream: to skip it would lose a piece of the answer unseen.
 *
 * `[DONE]` ends the stream. Without it every choice that was asked for must have a finish reason (some compatible servers
 * never send `[DONE]`). With it, fewer finish reasons than choices asked for are a cut at OpenAI itself, and the habit of some compatible servers.
 *
 * What a provider adds to a chunk of several choices goes along with the first of them: beside each it would come out
 * many times its size.
 */
export class OpenAiStreamTranslator implements StreamTranslator {
  readonly #writer: ChunkWriter;
  readonly #isCompatible: boolean;
  readonly #askedChoices: number;
  readonly #choices = new Map<number, OpenChoice>();
  #usage: OpenAiUsage | undefined;
  #usageCameIn: Arrival | undefined;
  #isTerminated = false;

  constructor(call: ProviderCall, options: { readonly isCompatible: boolean }) {
    this.#writer = new ChunkWriter(call.upstreamModel);
    this.#isCompatible = options.isCompatible;
    this.#askedChoices = call.request.n ?? 1;
  }

  get isTerminated(): boolean {
    return this.#isTerminated;
  }

  get usage(): TokenUsage | undefined {
    return this.#usage?.tokens;
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
    if (event.event === 'error') {
      throw fromOpenAiErrorObject(body ?? data);
    }
    if (!isJsonObject(body)) {
      throw new ProviderError({ kind: 'bad_response' });
    }
    const error = findOpenAiError(body);
    if (error !== undefined) {
      throw fromOpenAiErrorObject(error);
    }
    const arrival: Arrival = { body, text: event.data };
    const usage = fromOpenAiUsage(body.usage, textOf(body.model));
    if (usage !== undefined) {
      this.#usage = usage;
      this.#usageCameIn = arrival;
    }
    const choices = listOf(body.choices).filter(isJsonObject);
    if (choices.length > 0) {
      // Azure's first chunk has no choices, and an empty id.
      this.#writer.identify({
        id: textOf(body.id),
        created: countOf(body.created),
        model: textOf(body.model),
      });
    }
    const chunks = choices.flatMap((choice, position) =>
      this.#takeChoice(choice, countOf(choice.index) ?? position, arrival),
    );
    return chunks.map((chunk, place) => (place === 0 ? asItCame(chunk, arrival) : chunk));
  }

  end(): ChatCompletionChunk[] {
    if (this.#choices.size === 0) {
      throw new ProviderError({ kind: this.#isTerminated ? 'bad_response' : 'stream_cut' });
    }
    const finished = [...this.#choices.values()].filter(
      ({ finishReason }) => finishReason !== undefined,
    ).length;
    const areAllThere = finished >= this.#askedChoices;
    const isWhole = this.#isTerminated
      ? this.#isCompatible || areAllThere
      : areAllThere && finished === this.#choices.size;
    if (!isWhole) {
      throw new ProviderError({ kind: 'stream_cut' });
    }
    const arrivals = new Set<Arrival>();
    const chunks = [...this.#choices].flatMap(([index, choice]) => {
      const { finishedBy } = choice;
      const isFirst = finishedBy !== undefined && !arrivals.has(finishedBy);
      if (isFirst) arrivals.add(finishedBy);
      return this.#finishChoice(index, choice, isFirst ? finishedBy : undefined);
    });
    return this.#usage === undefined
      ? chunks
      : [...chunks, asItCame(this.#writer.writeUsage(this.#usage.completionUsage), this.#usageCameIn)];
  }

  #takeChoice(choice: JsonObject, index: number, arrival: Arrival): ChatCompletionChunk[] {
    const open = this.#openChoice(index);
    const finishReason = nonEmptyTextOf(choice.finish_reason);
    if (finishReason !== undefined) {
      open.finishReason = finishReason;
      open.finishedBy = arrival;
    }
    const delta = toDelta(objectOf(choice.delta) ?? {});
    const toolCalls = listOf(objectOf(choice.delta)?.tool_calls).flatMap((value) =>
      open.toolCalls.push(value),
    );
    const logprobs = logprobsOf(choice.logprobs);
    const isEmpty = Object.entries(delta).every(([name, value]) => name === 'content' && value === '');
    if (isEmpty && toolCalls.length === 0 && logprobs === null && this.#writer.hasOpened(index)) {
      return [];
    }
    return [
      this.#writer.write(
        index,
        toolCalls.length === 0 ? delta : { ...delta, tool_calls: toolCalls },
        null,
        logprobs,
      ),
    ];
  }

  #openChoice(index: number): OpenChoice {
    const known = this.#choices.get(index);
    if (known !== undefined) {
      return known;
    }
    const choice: OpenChoice = {
      toolCalls: new OpenAiToolCalls(),
      finishReason: undefined,
      finishedBy: undefined,
    };
    this.#choices.set(index, choice);
    assertWithin(this.#choices.size, MAX_CHOICES, 'too_many_choices');
    return choice;
  }

  #finishChoice(index: number, choice: OpenChoice, arrival: Arrival | undefined): ChatCompletionChunk[] {
    const finishReason = fromOpenAiFinishReason(choice.finishReason, {
      hasToolCalls: choice.toolCalls.hasCalls,
      isCompatible: this.#isCompatible,
    });
    // An answer cut at its limit or by a filter may end inside a call: then nothing is to be completed.
    const isWhole = finishReason === 'tool_calls' || finishReason === 'stop';
    const rest: ExtendedToolCallDelta[] = isWhole ? choice.toolCalls.close() : [];
    return [
      ...(rest.length === 0 ? [] : [this.#writer.write(index, { tool_calls: rest })]),
      asItCame(this.#writer.write(index, {}, finishReason), arrival),
    ];
  }
}

/** The chunk with what its provider adds, and with the text it came as where that says the same. */
function asItCame(chunk: ChatCompletionChunk, arrival: Arrival | undefined): ChatCompletionChunk {
  if (arrival === undefined) return chunk;
  const whole = { ...keptExtras(arrival.body), ...chunk };
  // A line end inside would end the event.
  if (!/[\r\n]/.test(arrival.text) && saysTheSame(whole, arrival.body)) {
    keepWireText(whole, arrival.text.trim());
  }
  return whole;
}

/** A delta without role (the writer's work) and tool calls, its thinking in one field. */
function toDelta(delta: JsonObject): ExtendedDelta {
  const content = fromOpenAiContent(delta.content);
  const reasoning =
    nonEmptyTextOf(delta.reasoning_content) ??
    nonEmptyTextOf(delta.reasoning) ??
    nonEmptyTextOf(content.reasoning);
  const extras = Object.entries(delta).filter(
    ([name, value]) =>
      !['role', 'content', 'tool_calls', 'reasoning', 'reasoning_content', '__proto__'].includes(name) &&
      value !== null,
  );
  return {
    ...Object.fromEntries(extras),
    ...(content.text === undefined ? {} : { content: content.text }),
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
  };
}
