import { cutOff, type Exchange, isGone, untilGone, wait, writeOut } from './exchange.js';
import { garble } from './garble.js';
import { oversizedHeader, sendOversizedDocument } from './oversized.js';
import { PacedBody } from './paced-body.js';
import type { UpstreamRequestFault } from './upstream-fault.interface.js';
import type { UpstreamDocument, UpstreamProblem } from './upstream-wire.interface.js';

/** Sends an answer that is not streamed, as the fault wants it. */
export async function sendDocument(
  exchange: Exchange,
  document: UpstreamDocument,
  fault: UpstreamRequestFault | undefined,
  afterMs: number,
): Promise<void> {
  const { response, gone } = exchange;
  if (!(fault?.kind === 'stalled' && fault.after === 'headers')) await wait(afterMs, gone);
  if (isGone(gone)) return;
  if (fault?.kind === 'oversized' && fault.part !== 'header') {
    await sendOversizedDocument(exchange, document, fault);
    return;
  }
  const json = JSON.stringify(document.body);
  const bytes = Buffer.from(fault?.kind === 'malformed' ? garble(json) : json);
  const half = Math.ceil(bytes.length / 2);
  const isClean = fault?.kind === 'cut' && fault.ending === 'clean';
  response.writeHead(document.status, {
    ...document.headers,
    ...faultyHeaders(fault),
    // Without a length the end is where the body ends, and nobody can see that something is missing.
    ...(isClean ? {} : { 'content-length': String(bytes.length) }),
  });
  if (fault?.kind === 'stalled') {
    response.flushHeaders();
    if (fault.after === 'first_token') await writeOut(exchange, bytes.subarray(0, half));
    await untilGone(gone);
  } else if (fault?.kind === 'cut') {
    response.flushHeaders();
    const atBytes = { ...fault, afterBytes: fault.afterBytes ?? half };
    await new PacedBody(exchange, atBytes, bytes.length, false).write(bytes);
    await cutOff(exchange, fault.ending);
  } else if (fault?.kind === 'drip') {
    response.flushHeaders();
    await new PacedBody(exchange, fault, bytes.length, false).write(bytes);
    response.end();
  } else {
    response.end(bytes);
  }
}

/** Sends an error as the provider words it. */
export async function sendProblem(
  exchange: Exchange,
  problem: UpstreamProblem,
  change: (document: UpstreamDocument) => UpstreamDocument = (document) => document,
): Promise<void> {
  const document = exchange.wire.problem(problem, exchange.identifier, exchange.route);
  await sendDocument(exchange, change(document), undefined, 0);
}

/** What a fault changes in the headers of an answer that is otherwise right. */
export function faultyHeaders(fault: UpstreamRequestFault | undefined): Readonly<Record<string, string>> {
  if (fault?.kind === 'content_type') return { 'content-type': fault.contentType ?? 'text/plain' };
  return fault?.kind === 'oversized' && fault.part === 'header' ? oversizedHeader(fault) : {};
}
