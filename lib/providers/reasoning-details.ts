import type { ReasoningDetail } from './chat-extensions.js';
import { countOf, isJsonObject, listOf, textOf } from './json-reading.js';

/**
 * The thinking of one maker that an assistant message brings back, in the order of its blocks. Other makers' is left
 * out: nobody else can read it. Clients that collect a stream may have a block in pieces (of one `index`): they are put
 * together again. What cannot be read is skipped: the field is the client's.
 *
 * @param format - Whose thinking, such as `anthropic-claude-v1`.
 */
export function readReasoningDetails(message: object, format: string): ReasoningDetail[] {
  const details: unknown = 'reasoning_details' in message ? message.reasoning_details : undefined;
  const blocks = new Map<string, ReasoningDetail>();
  listOf(details).forEach((value, position) => {
    if (!isJsonObject(value) || value.format !== format) return;
    const { type } = value;
    if (type !== 'reasoning.text' && type !== 'reasoning.encrypted') return;
    const index = countOf(value.index) ?? position;
    const key = `${type} ${index}`;
    const known = blocks.get(key);
    const text = joined(known?.text, textOf(value.text));
    const signature = joined(known?.signature, textOf(value.signature));
    const data = joined(known?.data, textOf(value.data));
    blocks.set(key, {
      type,
      format,
      index,
      ...(text === undefined ? {} : { text }),
      ...(signature === undefined ? {} : { signature }),
      ...(data === undefined ? {} : { data }),
    });
  });
  return [...blocks.values()].sort((one, other) => one.index - other.index);
}

function joined(known: string | undefined, piece: string | undefined): string | undefined {
  return known === undefined ? piece : known + (piece ?? '');
}
