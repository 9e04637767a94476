import { assertWithin, MAX_BLOCKS } from '../answer-limits.js';
import type { ExtendedToolCall } from '../chat-extensions.js';
import { isJsonObject, listOf, nonEmptyTextOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { makeToolCallId } from '../made-up-ids.js';
import { PartialArguments } from './partial-arguments.js';

/** What one piece of a candidate adds to the answer. */
export interface CandidateContent {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ExtendedToolCall[];
  /** Of the answer's text, which may come on an empty part at the end. */
  readonly textSignature: string | undefined;
}

interface OpenCall {
  readonly id: string;
  readonly name: string;
  readonly signature: string | undefined;
  readonly partialArguments: PartialArguments;
}

/**
 * Reads the parts of one candidate, over an answer or over the chunks of a stream. Thought parts are reasoning, never
 * content. A function call's thought signature goes along in its `extra_content.google.thought_signature`, that of the
 * text in the message's. Parts of other
 * kinds (code, its results, images, Google's own tools) are left out. Calls get an id where Gemini sends none.
 */
export class GeminiCandidateReader {
  #openCall: OpenCall | undefined;
  #toolCallCount = 0;
  #hasContent = false;

  get hasToolCalls(): boolean {
    return this.#toolCallCount > 0;
  }

  /** Something has come that a client can use. */
  get hasContent(): boolean {
    return this.#hasContent;
  }

  take(candidate: JsonObject): CandidateContent {
    let text = '';
    let reasoning = '';
    let textSignature: string | undefined;
    const toolCalls: ExtendedToolCall[] = [];
    for (const part of listOf(objectOf(candidate.content)?.parts).filter(isJsonObject)) {
      if (typeof part.text === 'string') {
        if (part.thought === true) {
          reasoning += part.text;
        } else {
          text += part.text;
          textSignature = nonEmptyTextOf(part.thoughtSignature) ?? textSignature;
        }
      }
      if (isJsonObject(part.functionCall)) {
        toolCalls.push(...this.#takeFunctionCall(part.functionCall, nonEmptyTextOf(part.thoughtSignature)));
      }
    }
    this.#hasContent ||= text !== '' || toolCalls.length > 0;
    return { text, reasoning, toolCalls, textSignature };
  }

  /** The call that was still open when the candidate ended: its end marker may be missing. */
  close(): ExtendedToolCall[] {
    const open = this.#openCall;
    this.#openCall = undefined;
    if (open === undefined) {
      return [];
    }
    this.#toolCallCount += 1;
    assertWithin(this.#toolCallCount, MAX_BLOCKS, 'too_many_tool_calls');
    this.#hasContent = true;
    return [
      {
        id: open.id,
        type: 'function',
        function: { name: open.name, arguments: open.partialArguments.toJson() },
        ...(open.signature === undefined
          ? {}
          : { extra_content: { google: { thought_signature: open.signature } } }),
      },
    ];
  }

  #takeFunctionCall(functionCall: JsonObject, signature: string | undefined): ExtendedToolCall[] {
    const name = nonEmptyTextOf(functionCall.name);
    const finished = name === undefined ? [] : this.close();
    if (name !== undefined) {
      this.#openCall = {
        id: nonEmptyTextOf(textOf(functionCall.id)) ?? makeToolCallId(),
        name,
        signature,
        partialArguments: new PartialArguments(),
      };
    }
    this.#openCall?.partialArguments.assign(objectOf(functionCall.args) ?? {});
    this.#openCall?.partialArguments.take(functionCall.partialArgs);
    return functionCall.willContinue === true ? finished : [...finished, ...this.close()];
  }
}
