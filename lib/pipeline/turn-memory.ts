import { createHash, type Hash } from 'node:crypto';
import type { ValidatedChatRequest } from '../chat/index.js';
import { BoundedMemory, type BoundedMemoryOptions } from './bounded-memory.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';

type Message = ValidatedChatRequest['messages'][number];

/** What an assistant said, as far as it tells one turn from another. */
export interface SaidTurn {
  readonly text: string;
  readonly toolCallIds: readonly string[];
}

/** A turn as it is kept: a text, so that nobody who has the answer can change it. */
interface KeptTurn extends Omit<RecalledTurn, 'toolCallExtras'> {
  readonly toolCallExtras?: readonly (readonly [id: string, extras: Readonly<Record<string, unknown>>])[];
}

/**
 * Keeps what clients of OpenAI's API lose of an answer, and what the next call needs back: signed thinking, thought
 * signatures. A turn is known again by all that was said before it and by what it said itself: some providers count the
 * ids of their calls from zero in every conversation. System messages do not count, for some clients write the time into
 * them. Each tenant has its own; all together are bounded, the least used goes first.
 */
export class TurnMemory {
  readonly #turns: BoundedMemory<string>;

  constructor(options: BoundedMemoryOptions) {
    this.#turns = new BoundedMemory(options);
  }

  resize(options: BoundedMemoryOptions): void {
    this.#turns.resize(options);
  }

  /** Bytes held, as far as they are counted. */
  get bytes(): number {
    return this.#turns.bytes;
  }

  get size(): number {
    return this.#turns.size;
  }

  /** @param request - What the turn is the answer to. */
  remember(
    tenant: string,
    request: ValidatedChatRequest,
    said: SaidTurn,
    turn: RecalledTurn,
    nowMs: number,
  ): void {
    const before = hashOf(tenant);
    for (const message of request.messages) addMessage(before, message);
    const { toolCallExtras, ...rest } = turn;
    const kept: KeptTurn = {
      ...rest,
      ...(toolCallExtras === undefined ? {} : { toolCallExtras: [...toolCallExtras] }),
    };
    const text = JSON.stringify(kept);
    // A string takes up to two bytes a character.
    this.#turns.set(keyOf(before, said), text, 2 * text.length, nowMs);
  }

  /** What is known of the assistant turns of a request, by their place in it. */
  recall(tenant: string, request: ValidatedChatRequest, nowMs: number): ReadonlyMap<number, RecalledTurn> {
    const turns = new Map<number, RecalledTurn>();
    if (this.size === 0) return turns;
    const before = hashOf(tenant);
    request.messages.forEach((message, index) => {
      if (message.role === 'assistant') {
        const text = this.#turns.get(keyOf(before, saidIn(message)), nowMs);
        if (text !== undefined) turns.set(index, toTurn(JSON.parse(text) as KeptTurn));
      }
      addMessage(before, message);
    });
    return turns;
  }
}

function toTurn({ toolCallExtras, ...turn }: KeptTurn): RecalledTurn {
  return toolCallExtras === undefined ? turn : { ...turn, toolCallExtras: new Map(toolCallExtras) };
}

/** Keys are of one length, and hold no words of anybody. */
function hashOf(tenant: string): Hash {
  return createHash('sha256').update(JSON.stringify(tenant));
}

function keyOf(before: Hash, said: SaidTurn): string {
  return addTurn(before.copy(), 'assistant', said).digest('base64');
}

function addMessage(hash: Hash, message: Message): void {
  const { role } = message;
  if (role === 'system' || role === 'developer') return;
  const id = role === 'tool' ? message.tool_call_id : '';
  addTurn(hash, `${role} ${id}`, saidIn(message));
}

/** Clients trim texts. */
function addTurn(hash: Hash, who: string, { text, toolCallIds }: SaidTurn): Hash {
  return hash.update(JSON.stringify([who, text.trim(), toolCallIds]));
}

function saidIn(message: Message): SaidTurn {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  return { text: textOf(message.content), toolCallIds: calls.map(({ id }) => id) };
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
