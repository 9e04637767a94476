import { randomUUID } from 'node:crypto';

const random = (): string => randomUUID().replaceAll('-', '');

/** An id for an answer whose provider sent none. */
export function makeCompletionId(): string {
  return `chatcmpl-${random()}`;
}

/** An id for a tool call whose provider sent none; unique over whole conversations, not over one answer. */
export function makeToolCallId(): string {
  return `call_${random().slice(0, 24)}`;
}

/** The present, in the seconds of `created`. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
