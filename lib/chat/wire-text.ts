import type { ChatCompletionChunk } from './chat-types.js';

/** By chunk, and gone with it. Beside the chunk, because a copy with something changed must not take it along. */
const texts = new WeakMap<ChatCompletionChunk, string>();

/** Notes the JSON text that a chunk came as, where nothing of it had to be changed: it goes on to the client as it is. */
export function keepWireText(chunk: ChatCompletionChunk, text: string): void {
  texts.set(chunk, text);
}

/** A chunk's JSON: the provider's own text where nothing was changed. */
export function wireTextOf(chunk: ChatCompletionChunk): string {
  return texts.get(chunk) ?? JSON.stringify(chunk);
}
