import { randomUUID } from 'node:crypto';

/**
 * What an id is of: a response, a message, a reasoning item, a function call, a custom tool call. Clients tell items by
 * these beginnings, as OpenAI's ids have them.
 */
export type ItemIdPrefix = 'resp' | 'msg' | 'rs' | 'fc' | 'ctc';

/** A new id. It names nothing that could be asked for later. */
export function makeItemId(prefix: ItemIdPrefix): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}
