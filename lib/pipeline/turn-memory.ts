import { createHash } from 'node:crypto';
import type { ValidatedChatRequest } from '../chat/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';

/** What an assistant said, as far as it tells one turn from another. */
export interface SaidTurn {
  readonly text: string;
  readonly toolCallIds: readonly string[];
}

export interface TurnMemoryOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly ttlMs: number;
}

interface Entry {
  readonly turn: RecalledTurn;
  readonly bytes: number;
  readonly expiresAtMs: number;
}

/** What an entry takes beside its texts. */
const ENTRY_OVERHEAD_BYTES = 512;

/**
 * Keeps what clients of OpenAI's API lose of an answer, and what the next call needs back: signed thinking, thought
 * signatures. A turn is known again by the ids of its tool calls, or by its words where it has none. Each tenant has
 * its own; all together are bounded, the least used goes first.
 */
export class TurnMemory {
  /** In the order of use, the least lately used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(private readonly options: TurnMemoryOptions) {}

  /** Bytes held, as far as they are counted. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  remember(tenant: string, said: SaidTurn, turn: RecalledTurn, nowMs: number): void {
    const key = keyOf(tenant, said);
    if (key === undefined) return;
    const bytes = bytesOf(key, turn);
    this.forget(key);
    if (bytes > this.options.maxBytes) return;
    this.#entries.set(key, { turn, bytes, expiresAtMs: nowMs + this.options.ttlMs });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.options.maxBytes && this.#entries.size <= this.options.maxEntries) break;
      this.forget(oldest);
    }
  }

  /** What is known of the assistant turns of a request, by their place in it. */
  recall(tenant: string, request: ValidatedChatRequest, nowMs: number): ReadonlyMap<number, RecalledTurn> {
    const turns = new Map<number, RecalledTurn>();
    if (this.#entries.size === 0) return turns;
    request.messages.forEach((message, index) => {
      if (message.role !== 'assistant') return;
      const key = keyOf(tenant, {
        text: textOf(message.content),
        toolCallIds: (message.tool_calls ?? []).map(({ id }) => id),
      });
      const entry = key === undefined ? undefined : this.#entries.get(key);
      if (key === undefined || entry === undefined) return;
      if (entry.expiresAtMs <= nowMs) {
        this.forget(key);
        return;
      }
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      turns.set(index, entry.turn);
    });
    return turns;
  }

  private forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
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

function bytesOf(key: string, turn: RecalledTurn): number {
  const extras = [...(turn.toolCallExtras ?? [])];
  const text = JSON.stringify([turn.reasoningContent, turn.reasoningDetails, turn.extraContent, extras]);
  // A string takes up to two bytes a character.
  return 2 * (key.length + text.length) + ENTRY_OVERHEAD_BYTES;
}
