import type { ChatRequest } from '../../chat/chat-types.js';

/** A recorded request in OpenAI's shape, and what it says in a form in which two bodies can be compared. */
export interface RequestCase {
  readonly request: ChatRequest;
  readonly upstreamModel: string;
  readonly stream: boolean;
}

/** Names a piece of a request that OpenAI's shape has no word for. */
export type LeaveOut = (piece: string) => void;

export interface Turn {
  readonly role: string;
  readonly blocks: object[];
}

/** Turns without anything said are dropped, turns of the same role in a row joined. */
export function joinTurns(turns: readonly Turn[]): Turn[] {
  const joined: Turn[] = [];
  for (const { role, blocks } of turns) {
    const last = joined.at(-1);
    if (blocks.length === 0) continue;
    if (last?.role === role) last.blocks.push(...blocks);
    else joined.push({ role, blocks: [...blocks] });
  }
  return joined;
}

/** Without the fields that have no value. */
export function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A picture's declared type and its first bytes may differ, in recordings whose pictures were replaced by a small PNG. */
export function typeOfPicture(mediaType: string, base64: string): string {
  return base64.startsWith('iVBORw0KGgo') ? 'image/png' : mediaType;
}
