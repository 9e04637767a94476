import type { ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam } from '../../chat/index.js';

/** Of the prompt, and of the answer; more is cut off. In characters, as backends cut attributes too. */
export const MAX_RECORDED_LENGTH = 32 * 1024;
/** Where a text was cut. */
const CUT = '… [cut off]';
/** Of a name of a tool or an id. */
const MAX_NAME_LENGTH = 128;
/** Of an answer; a provider could go on for ever. */
const MAX_CHOICES = 128;
/** What a message or a part takes beside its text. */
const OVERHEAD = 64;

/** In the shape that OpenTelemetry's conventions give messages. */
type Part =
  | { readonly type: 'text' | 'reasoning'; readonly content: string }
  | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly arguments: string }
  | { readonly type: 'tool_call_response'; readonly id: string; readonly response: string }
  /** An image, a sound, a file: that it was there, and not what. */
  | { readonly type: string };

interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
  readonly finish_reason?: string;
}

export interface Recorded {
  /** JSON. */
  readonly text: string;
  readonly isCut: boolean;
}

/** Takes texts until there is no room for more. */
class Room {
  #left = MAX_RECORDED_LENGTH;
  isCut = false;

  get isFull(): boolean {
    return this.#left <= 0;
  }

  /** For what stands around a text. */
  frame(): void {
    this.#left -= OVERHEAD;
  }

  take(text: string): string {
    // As JSON it may be longer: a line break takes two characters.
    const taken = text.slice(0, Math.max(0, this.#left));
    const length = JSON.stringify(taken).length;
    if (taken.length === text.length && length <= this.#left) {
      this.#left -= length;
      return text;
    }
    this.isCut = true;
    const fits = fitting(taken, this.#left);
    this.#left = 0;
    return fits + CUT;
  }

  name(text: string): string {
    return this.take(text.slice(0, MAX_NAME_LENGTH));
  }
}

/** The longest beginning that takes no more as JSON. */
function fitting(text: string, maxLength: number): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (JSON.stringify(text.slice(0, middle)).length <= maxLength) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low);
}

/** The prompt. */
export function recordInput(messages: readonly ChatCompletionMessageParam[]): Recorded {
  const room = new Room();
  const recorded: Message[] = [];
  for (const message of messages) {
    if (room.isFull) {
      room.isCut = true;
      break;
    }
    room.frame();
    recorded.push({ role: message.role, parts: partsOf(message, room) });
  }
  return { text: JSON.stringify(recorded), isCut: room.isCut };
}

function partsOf(message: ChatCompletionMessageParam, room: Room): Part[] {
  const { content } = message;
  if (message.role === 'tool') {
    return [
      { type: 'tool_call_response', id: room.name(message.tool_call_id), response: room.take(said(content)) },
    ];
  }
  const parts: Part[] = [];
  const pieces = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : (content ?? []);
  for (const piece of pieces) {
    if (room.isFull) {
      room.isCut = true;
      return parts;
    }
    room.frame();
    if (piece.type === 'text') parts.push({ type: 'text', content: room.take(piece.text) });
    else if (piece.type === 'refusal') parts.push({ type: 'text', content: room.take(piece.refusal) });
    else parts.push({ type: piece.type });
  }
  if (message.role === 'assistant') parts.push(...callsOf(message.tool_calls ?? [], room));
  return parts;
}

function said(content: ChatCompletionMessageParam['content']): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((piece) => (piece.type === 'text' ? piece.text : '')).join('');
}

interface ToolCall {
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
  readonly custom?: { readonly name?: string; readonly input?: string };
}

function callsOf(calls: readonly ToolCall[], room: Room): Part[] {
  const parts: Part[] = [];
  for (const { id = '', function: called, custom } of calls) {
    if (room.isFull) {
      room.isCut = true;
      return parts;
    }
    room.frame();
    parts.push({
      type: 'tool_call',
      id: room.name(id),
      name: room.name(called?.name ?? custom?.name ?? ''),
      arguments: room.take(called?.arguments ?? custom?.input ?? ''),
    });
  }
  return parts;
}

/** The answer. */
export function recordOutput({ choices }: Pick<ChatCompletion, 'choices'>): Recorded {
  const room = new Room();
  const recorded = choices.map(({ message, finish_reason: reason }): Message => {
    const parts: Part[] = [];
    for (const text of [message.content, message.refusal]) {
      if (text) parts.push({ type: 'text', content: room.take(text) });
    }
    parts.push(...callsOf(message.tool_calls ?? [], room));
    return { role: 'assistant', parts, finish_reason: reason };
  });
  return { text: JSON.stringify(recorded), isCut: room.isCut };
}

interface Choice {
  text: string;
  reason: string;
  readonly calls: Map<number, { id: string; name: string; arguments: string }>;
}

/** Puts an answer together from its pieces, up to what is recorded of it. */
export class StreamedOutput {
  readonly #choices = new Map<number, Choice>();
  #length = 0;

  chunk({ choices }: ChatCompletionChunk): void {
    for (const { index, delta, finish_reason: reason } of choices) {
      const choice = this.choice(index);
      if (choice === undefined) continue;
      if (reason !== null) choice.reason = reason;
      // One character more than fits shows that it was cut.
      if (this.#length > MAX_RECORDED_LENGTH) continue;
      choice.text += this.count(delta.content ?? '') + this.count(delta.refusal ?? '');
      for (const { index: place, id, function: called } of delta.tool_calls ?? []) {
        const call = choice.calls.get(place) ?? { id: '', name: '', arguments: '' };
        call.id ||= this.count(id ?? '');
        call.name += this.count(called?.name ?? '');
        call.arguments += this.count(called?.arguments ?? '');
        this.#length += 1;
        choice.calls.set(place, call);
      }
    }
  }

  record(): Recorded {
    const choices = [...this.#choices].map(([index, { text, reason, calls }]) => ({
      index,
      logprobs: null,
      finish_reason: reason as 'stop',
      message: {
        role: 'assistant' as const,
        content: text,
        refusal: null,
        tool_calls: [...calls.values()].map(({ id, ...called }) => ({
          id,
          type: 'function' as const,
          function: called,
        })),
      },
    }));
    return recordOutput({ choices });
  }

  private count(text: string): string {
    const kept = text.slice(0, Math.max(0, MAX_RECORDED_LENGTH + 1 - this.#length));
    this.#length += kept.length;
    return kept;
  }

  private choice(index: number): Choice | undefined {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      if (this.#choices.size >= MAX_CHOICES) return undefined;
      choice = { text: '', reason: '', calls: new Map() };
      this.#choices.set(index, choice);
    }
    return choice;
  }
}
