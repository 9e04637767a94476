import { cutOff, type Exchange, untilGone } from './exchange.js';
import { withRetryAfter } from './retry-after-forms.js';
import { sendProblem } from './send-document.js';
import type { ResetFault, StatusFault, UpstreamRequestFault } from './upstream-fault.interface.js';
import type { UpstreamDocument } from './upstream-wire.interface.js';

const PAGE = `<!DOCTYPE html>
<html><head><title>Simulated page</title></head>
<body><h1>Not what you asked for</h1><p>A proxy, a portal or a sign-in page answered in place of the model.</p></body></html>
`;

/** Faults that come before the request is looked at. @returns whether that was the answer. */
export async function sendImmediateFault(
  exchange: Exchange,
  fault: UpstreamRequestFault | undefined,
): Promise<boolean> {
  if (fault?.kind === 'status') await sendStatus(exchange, fault);
  else if (fault?.kind === 'error_in_200') {
    const asSuccess = (document: UpstreamDocument): UpstreamDocument => ({ ...document, status: 200 });
    await sendProblem(exchange, { status: fault.status ?? 500 }, asSuccess);
  } else if (fault?.kind === 'html') sendPage(exchange, fault.status ?? 200);
  else if (fault?.kind === 'reset' && isMeant(exchange, fault)) await cutOff(exchange, 'reset');
  else if (fault?.kind === 'stalled' && (fault.after ?? 'request') === 'request') {
    await untilGone(exchange.gone);
  } else return false;
  return true;
}

async function sendStatus(exchange: Exchange, fault: StatusFault): Promise<void> {
  const { status, retryAfter, retryAfterSeconds } = fault;
  if (retryAfter === undefined) {
    await sendProblem(exchange, { status, retryAfterSeconds });
    return;
  }
  await sendProblem(exchange, { status }, (document) =>
    withRetryAfter(document, retryAfter, exchange.wire, Date.now()),
  );
}

function sendPage({ response }: Exchange, status: number): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(Buffer.byteLength(PAGE)),
  });
  response.end(PAGE);
}

function isMeant({ reusedConnection }: Exchange, { connection = 'any' }: ResetFault): boolean {
  return connection === 'any' || (connection === 'reused') === reusedConnection;
}
