import type { ChatCompletionChunk } from '../chat/index.js';

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
