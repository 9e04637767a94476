import type { ChatCompletionChunk } from '../chat/index.js';

/** How many choices a deployment gives: one where the client's `n` was left out. */
export function choicesOf(
  { choices }: { readonly choices: number },
  droppedFields: readonly string[] = [],
): number {
  return droppedFields.includes('n') ? 1 : choices;
}

/** Tells when every choice of a stream has its finish reason: what follows is usage and the terminator. */
export class ChoiceProgress {
  readonly #finished = new Set<number>();

  constructor(private readonly choices: number) {}

  follow(chunk: ChatCompletionChunk): void {
    for (const choice of chunk.choices) if (choice.finish_reason !== null) this.#finished.add(choice.index);
  }

  get isComplete(): boolean {
    return this.#finished.size >= this.choices;
  }
}
