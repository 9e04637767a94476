import type { ReasoningDetail } from './chat-extensions.js';
import { countOf, isJsonObject, listOf, textOf } from './json-reading.js';

/**
 * The thinking of a maker that an assistant message brings back, in the order of its blocks. Other makers' is left
 * out: nobody else can read it. Clients that collect a stream may have a block in pieces (of one `index`): they are put
 * together again. The signature ends a block, as in Anthropic's streams (`signature_delta` is the last of a block), so
 * what comes after it under the same index, as when two answers became one message, is a block of its own. What cannot be
 * read is skipped: the field is the client's.
 *
 * @param formats - Whose thinking, such as `anthropic-claude-v1`.
 */
export function readReasoningDetails(message: object, ...formats: readonly string[]): ReasoningDetail[] {
  const details: unknown = 'reasoning_details' in message ? message.reasoning_details : undefined;
  const blocks: ReasoningDetail[] = [];
  /** Where the last block of a maker, a type and an index stands in `blocks`. */
  const places = new Map<string, number>();
  listOf(details).forEach((value, position) => {
    if (!isJsonObject(value)) return;
    const { type } = value;
    const format = formats.find((known) => known === value.format);
    if (format === undefined) return;
    if (type !== 'reasoning.text' && type !== 'reasoning.encrypted') return;
    const index = countOf(value.index) ?? position;
    const key = `${format} ${type} ${index}`;
    const place = places.get(key);
    const open = place === undefined ? undefined : blocks[place];
    const known = open?.signature ? undefined : open;
    const text = joined(known?.text, textOf(value.text));
    const signature = joined(known?.signature, textOf(value.signature));
    const data = joined(known?.data, textOf(value.data));
    const block: ReasoningDetail = {
      type,
      format,
      index,
      ...(text === undefined ? {} : { text }),
      ...(signature === undefined ? {} : { signature }),
      ...(data === undefined ? {} : { data }),
    };
    if (known !== undefined && place !== undefined) {
      blocks[place] = block;
    } else {
      places.set(key, blocks.length);
      blocks.push(block);
    }
  });
  return blocks.sort((one, other) => one.index - other.index);
}

function joined(known: string | undefined, piece: string | undefined): string | undefined {
  return known === undefined ? piece : known + (piece ?? '');
}
