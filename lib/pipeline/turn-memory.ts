import { createHash } from 'node:crypto';
import type { ValidatedChatRequest } from '../chat/index.js';
import { BoundedMemory, type BoundedMemoryOptions } from './bounded-memory.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';

/** What an assistant said, as far as it tells one turn from another. */
export interface SaidTurn {
  readonly text: string;
  readonly toolCallIds: readonly string[];
}

/**
 * Keeps what clients of OpenAI's API lose of an answer, and what the next call needs back: signed thinking, thought
 * signatures. A turn is known again by the ids of its tool calls, or by its words where it has none. Each tenant has
 * its own; all together are bounded, the least used goes first.
 */
export class TurnMemory {
  readonly #turns: BoundedMemory<RecalledTurn>;

  constructor(options: BoundedMemoryOptions) {
    this.#turns = new BoundedMemory(options);
  }

  /** Bytes held, as far as they are counted. */
  get bytes(): number {
    return this.#turns.bytes;
  }

  get size(): number {
    return this.#turns.size;
  }

  remember(tenant: string, said: SaidTurn, turn: RecalledTurn, nowMs: number): void {
    const key = keyOf(tenant, said);
    if (key === undefined) return;
    this.#turns.set(key, turn, bytesOf(turn), nowMs);
  }

  /** What is known of the assistant turns of a request, by their place in it. */
  recall(tenant: string, request: ValidatedChatRequest, nowMs: number): ReadonlyMap<number, RecalledTurn> {
    const turns = new Map<number, RecalledTurn>();
    if (this.size === 0) return turns;
    request.messages.forEach((message, index) => {
      if (message.role !== 'assistant') return;
      const key = keyOf(tenant, {
        text: textOf(message.content),
        toolCallIds: (message.tool_calls ?? []).map(({ id }) => id),
      });
      const turn = key === undefined ? undefined : this.#turns.get(key, nowMs);
      if (turn !== undefined) turns.set(index, turn);
    });
    return turns;
  }
}

/** Hashed: keys are of one length, and hold no words of anybody. Undefined: nothing to know the turn by. */
function keyOf(tenant: string, { text, toolCallIds }: SaidTurn): string | undefined {
  const [firstId] = toolCallIds;
  // Clients trim.
  const mark = firstId ?? text.trim();
  if (mark === '') return undefined;
  return createHash('sha256')
    .update(JSON.stringify([tenant, firstId === undefined ? 'text' : 'call', mark]))
    .digest('base64');
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) =>
      typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string'
        ? part.text
        : '',
    )
    .join('');
}

function bytesOf(turn: RecalledTurn): number {
  const extras = [...(turn.toolCallExtras ?? [])];
  const text = JSON.stringify([turn.reasoningContent, turn.reasoningDetails, turn.extraContent, extras]);
  // A string takes up to two bytes a character.
  return 2 * text.length;
}
