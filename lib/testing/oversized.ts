import { type Exchange, isGone, writeOn } from './exchange.js';
import type { StreamPiece, UpstreamAnswer, UpstreamDocument } from './upstream-wire.interface.js';
import type { OversizedFault } from './upstream-fault.interface.js';

const BODY_BYTES = 300 * 1024 * 1024;
const HEADER_BYTES = 256 * 1024;
const BLOCK_BYTES = 64 * 1024;
const BLOCK = Buffer.alloc(BLOCK_BYTES, 'oversized ');
/** A token of its own on every wire, and in nothing else that is sent. */
const PLACE = '@oversized@';

/** A header larger than clients take. */
export function oversizedHeader(fault: OversizedFault): Readonly<Record<string, string>> {
  return { 'x-simulated-oversized': 'a'.repeat(fault.bytes ?? HEADER_BYTES) };
}

/** The answer with nothing in it but the place where too much is to be said. */
export function withPlace(answer: UpstreamAnswer): UpstreamAnswer {
  return { ...answer, text: PLACE, thinking: '', toolCalls: [], choices: 1 };
}

/** Sends a document whose text is far too long; one without a text is followed by far too many blanks. */
export async function sendOversizedDocument(
  exchange: Exchange,
  { status, headers, body }: UpstreamDocument,
  fault: OversizedFault,
): Promise<void> {
  const [head = '', tail = ''] = JSON.stringify(body).split(PLACE, 2);
  const filler = tail === '' ? Buffer.alloc(BLOCK_BYTES, ' ') : BLOCK;
  exchange.response.writeHead(status, headers);
  await writeOn(exchange, head);
  await repeat(exchange, filler, fault.bytes ?? BODY_BYTES);
  exchange.response.end(tail);
}

/** Sends a stream with one piece that is far too long, or with far too many pieces. The headers have gone before. */
export async function sendOversizedStream(
  exchange: Exchange,
  pieces: readonly StreamPiece[],
  fault: OversizedFault,
): Promise<void> {
  const bytes = fault.bytes ?? BODY_BYTES;
  let hasContent = false;
  for (const { part, data } of pieces) {
    if (part !== 'content' || hasContent) {
      await writeOn(exchange, data);
      continue;
    }
    hasContent = true;
    if (fault.part === 'line') {
      const [head = '', tail = ''] = data.split(PLACE, 2);
      await writeOn(exchange, head);
      await repeat(exchange, BLOCK, bytes);
      await writeOn(exchange, tail);
    } else {
      await writeOn(exchange, data);
      // Google's stream without events is an array: what follows the first piece begins with a comma.
      const next = data.startsWith('[') ? `,\r\n${data.slice(1)}` : data;
      const times = Math.max(Math.floor(BLOCK_BYTES / Buffer.byteLength(next)), 1);
      await repeat(exchange, Buffer.from(next.repeat(times)), bytes);
    }
    if (isGone(exchange.gone)) return;
  }
  exchange.response.end();
}

async function repeat(exchange: Exchange, block: Buffer, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !isGone(exchange.gone); sent += block.length)
    await writeOn(exchange, block);
}
