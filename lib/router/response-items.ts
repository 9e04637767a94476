import { createHash } from 'node:crypto';
import type { Response } from 'openai/resources/responses/responses';
import { BoundedMemory, type BoundedMemoryOptions } from '../pipeline/index.js';
import type { RecallItem } from '../responses/index.js';

/**
 * Output items of the Responses API by their ids, for clients that refer to what was said instead of sending it again
 * (the AI SDK does so by default). Kept by tenant, bounded, for a while; where one is gone, the reference is refused.
 */
export class ResponseItems {
  readonly #items: BoundedMemory<object>;

  constructor(options: BoundedMemoryOptions) {
    this.#items = new BoundedMemory(options);
  }

  resize(options: BoundedMemoryOptions): void {
    this.#items.resize(options);
  }

  /** Keeps what an answer said, unless its request forbids to (`store: false`). */
  remember(tenant: string, response: Response, request: unknown): void {
    if (typeof request === 'object' && request !== null && 'store' in request && request.store === false) {
      return;
    }
    const nowMs = Date.now();
    for (const item of response.output) {
      // Thinking comes back by the tool calls it led to.
      if (item.type === 'reasoning' || item.id === undefined) continue;
      // A string takes up to two bytes a character.
      this.#items.set(keyOf(tenant, item.id), item, 2 * JSON.stringify(item).length, nowMs);
    }
  }

  recallFor(tenant: string): RecallItem {
    return (id) => this.#items.get(keyOf(tenant, id), Date.now());
  }
}

function keyOf(tenant: string, id: string): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, id]))
    .digest('base64');
}
