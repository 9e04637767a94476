import type { ChatCompletionChunk, CompletionUsage } from '../chat/chat-types.js';
import type { ExtendedDelta, FinishReason } from './chat-extensions.js';
import { makeCompletionId, nowSeconds } from './made-up-ids.js';

/** Every chunk repeats them: an upstream's long word would come out as often. Real ones have under a hundred characters. */
const MAX_IDENTITY_CHARACTERS = 256;

/**
 * Writes the chunks of one stream: the same id, time and model on all of them, and the role in the first delta of
 * each choice, as OpenAI's clients expect. Id and model are fixed with the first chunk written.
 */
export class ChunkWriter {
  #id: string | undefined;
  #created: number | undefined;
  #model: string | undefined;
  #hasWritten = false;
  readonly #openedChoices = new Set<number>();
  readonly #fallbackModel: string;

  /** @param fallbackModel Stands in `model` where the provider names none. */
  constructor(fallbackModel: string) {
    this.#fallbackModel = fallbackModel;
  }

  /** Takes what the provider says of itself; empty and endless values and what comes after the first chunk change nothing. */
  identify(identity: { id?: string; created?: number; model?: string }): void {
    if (this.#hasWritten) {
      return;
    }
    this.#id ??= usable(identity.id);
    this.#created ??= identity.created === 0 ? undefined : identity.created;
    this.#model ??= usable(identity.model);
  }

  /** The role has been sent for this choice. */
  hasOpened(choiceIndex: number): boolean {
    return this.#openedChoices.has(choiceIndex);
  }

  write(
    choiceIndex: number,
    delta: ExtendedDelta,
    finishReason: FinishReason | null = null,
    logprobs: ChatCompletionChunk.Choice['logprobs'] = null,
  ): ChatCompletionChunk {
    const isFirst = !this.#openedChoices.has(choiceIndex);
    this.#openedChoices.add(choiceIndex);
    const opened: ExtendedDelta = isFirst ? { ...delta, role: 'assistant' } : delta;
    // OpenAI's types leave out that calls of custom tools are streamed.
    const said = opened as ChatCompletionChunk.Choice.Delta;
    return {
      ...this.#head(),
      choices: [{ index: choiceIndex, delta: said, logprobs, finish_reason: finishReason }],
    };
  }

  writeUsage(usage: CompletionUsage): ChatCompletionChunk {
    return { ...this.#head(), choices: [], usage };
  }

  #head(): Omit<ChatCompletionChunk, 'choices'> {
    this.#hasWritten = true;
    this.#id ??= makeCompletionId();
    this.#created ??= nowSeconds();
    this.#model ??= this.#fallbackModel;
    return { id: this.#id, object: 'chat.completion.chunk', created: this.#created, model: this.#model };
  }
}

function usable(name: string | undefined): string | undefined {
  return name === undefined || name === '' || name.length > MAX_IDENTITY_CHARACTERS ? undefined : name;
}
