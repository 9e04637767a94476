import type { ChatCompletion, ChatCompletionChunk } from '../chat/index.js';

/** What is read of words. */
const MAX_WORDS_CHARACTERS = 4_096;
/** JSON is read as a whole or not at all. */
const MAX_JSON_CHARACTERS = 256 * 1_024;
const MAX_CALLS = 128;
const MAX_CHOICES = 16;

/** One call of a tool. */
export interface JudgedCall {
  readonly name: string;
  /** Undefined: too long to be judged, or no JSON by its kind. */
  readonly argumentsText: string | undefined;
}

/** One choice of an answer, as far as it is judged: strings of its own, whatever its reader does to the answer. */
export interface JudgedChoice {
  /** Its words, or as much of them as is read. */
  readonly text: string;
  readonly isTextWhole: boolean;
  /** Anything that can be seen or heard. */
  readonly hasContent: boolean;
  /** The provider says that it is a refusal. */
  readonly isRefusal: boolean;
  readonly finishReason: string | undefined;
  readonly calls: readonly JudgedCall[];
}

/** What whole messages and deltas have in common. */
interface Said {
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly audio?: unknown;
  readonly tool_calls?:
    | readonly {
        readonly index?: number;
        readonly function?: { readonly name?: string; readonly arguments?: string };
        readonly custom?: { readonly name?: string };
      }[]
    | null;
  readonly function_call?: { readonly name?: string; readonly arguments?: string } | null;
}

interface CallInMaking {
  name: string;
  argumentsText: string | undefined;
}

class ChoiceCollector implements JudgedChoice {
  text = '';
  isTextWhole = true;
  hasContent = false;
  isRefusal = false;
  finishReason: string | undefined;
  readonly calls: CallInMaking[] = [];
  #argumentsCharacters = 0;

  constructor(private readonly maxCharacters: number) {}

  take(said: Said, finishReason: string | null | undefined): void {
    const { content, refusal, tool_calls: calls, function_call: olderCall } = said;
    if (typeof content === 'string' && content !== '') this.addText(content);
    if (refusal) this.isRefusal = true;
    if (said.audio) this.hasContent = true;
    if (calls) {
      for (const [position, call] of calls.entries()) {
        const { name } = call.function ?? call.custom ?? {};
        this.addCall(call.index ?? position, name, call.function?.arguments, call.custom !== undefined);
      }
    }
    if (olderCall) this.addCall(0, olderCall.name, olderCall.arguments, false);
    if (finishReason) this.finishReason = finishReason;
  }

  private addText(text: string): void {
    this.hasContent ||= /\S/.test(text);
    const room = this.maxCharacters - this.text.length;
    if (text.length <= room) this.text += text;
    else {
      this.isTextWhole = false;
      if (room > 0) this.text += text.slice(0, room);
    }
  }

  private addCall(
    index: number,
    name: string | undefined,
    text: string | undefined,
    isCustom: boolean,
  ): void {
    if (index >= MAX_CALLS) return;
    const call = (this.calls[index] ??= { name: '', argumentsText: isCustom ? undefined : '' });
    call.name ||= name ?? '';
    if (text === undefined || call.argumentsText === undefined) return;
    this.#argumentsCharacters += text.length;
    if (this.#argumentsCharacters > MAX_JSON_CHARACTERS) call.argumentsText = undefined;
    else call.argumentsText += text;
  }
}

/** Keeps of one answer, whole or in chunks, what is judged of it. Bounded; a chunk costs an append. */
export class AnswerCollector {
  readonly #choices: (ChoiceCollector | undefined)[] = [];
  readonly #maxCharacters: number;

  /** @param wantsJson - It must be looked at whole. */
  constructor(wantsJson: boolean) {
    this.#maxCharacters = wantsJson ? MAX_JSON_CHARACTERS : MAX_WORDS_CHARACTERS;
  }

  answer({ choices }: ChatCompletion): void {
    for (const { index, message, finish_reason: reason } of choices) this.of(index)?.take(message, reason);
  }

  chunk({ choices }: ChatCompletionChunk): void {
    for (const { index, delta, finish_reason: reason } of choices) this.of(index)?.take(delta, reason);
  }

  /** Each once all of it is there. */
  choices(): readonly JudgedChoice[] {
    return this.#choices.filter((choice) => choice !== undefined);
  }

  private of(index: number): ChoiceCollector | undefined {
    if (!(index >= 0 && index < MAX_CHOICES)) return undefined;
    return (this.#choices[index] ??= new ChoiceCollector(this.#maxCharacters));
  }
}
