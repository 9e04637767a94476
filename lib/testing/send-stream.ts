import { cutOff, type Exchange, isGone, untilGone, wait } from './exchange.js';
import { garble } from './garble.js';
import { sendOversizedStream, withPlace } from './oversized.js';
import { PacedBody } from './paced-body.js';
import type { UpstreamLatency } from './scripted-upstream.interface.js';
import type { SeededRandom } from './seeded-random.js';
import { faultyHeaders } from './send-document.js';
import type { CutEnding, UpstreamRequestFault } from './upstream-fault.interface.js';
import { planTimeline } from './upstream-timeline.js';
import type { UpstreamAnswer, UpstreamRoute } from './upstream-wire.interface.js';

/** What a stream is sent by. */
export interface StreamPlan {
  readonly route: UpstreamRoute;
  readonly answer: UpstreamAnswer;
  readonly headers: Readonly<Record<string, string>>;
  readonly latency: UpstreamLatency;
  readonly fault: UpstreamRequestFault | undefined;
  readonly random: SeededRandom;
}

/** Sends an answer piece by piece, each when it is due, as the fault wants it. */
export async function sendStream(exchange: Exchange, plan: StreamPlan): Promise<void> {
  const { route, answer, latency, fault, random } = plan;
  const { response, gone, wire } = exchange;
  const start = performance.now();
  const isOversized = fault?.kind === 'oversized' && fault.part !== 'header';
  const pieces = wire.stream(isOversized ? withPlace(answer) : answer, route);
  const shares = pieces.filter(({ part }) => part === 'content').map(({ characters }) => characters);
  const timeline = planTimeline(latency, shares, answer.usage.completionTokens, random);
  const stop = stopOf(fault);
  const dueAt = (ms: number): Promise<void> => wait(ms - (performance.now() - start), gone);
  const begin = (): void => {
    response.writeHead(200, { ...plan.headers, ...faultyHeaders(fault) });
    response.flushHeaders();
  };
  if (stop?.afterContents === -1) {
    begin();
    await untilGone(gone);
    return;
  }
  await dueAt(timeline.dueMs[0] ?? timeline.completeMs);
  if (isGone(gone)) return;
  begin();
  if (isOversized) {
    await sendOversizedStream(exchange, pieces, fault);
    return;
  }
  const isCutAtBytes = fault?.kind === 'cut' && fault.afterBytes !== undefined;
  const length = isCutAtBytes ? pieces.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0) : 0;
  const body = new PacedBody(exchange, fault, length, true);
  const pauseMs = fault?.kind === 'drip' && fault.bytes === undefined ? fault.everyMs : 0;
  let garbleAt = fault?.kind === 'malformed' ? Math.max(fault.afterChunks ?? 0, 0) : Infinity;
  let sent = 0;
  for (const { part, data } of pieces) {
    if (part !== 'opening') {
      if (stop !== undefined && (part === 'closing' || sent >= stop.afterContents)) {
        await breakStream(exchange, route, stop);
        return;
      }
      await dueAt(part === 'content' ? (timeline.dueMs[sent] ?? 0) : timeline.completeMs);
      await wait(pauseMs, gone);
    }
    if (isGone(gone)) return;
    const isGarbled = part !== 'opening' && (sent >= garbleAt || (part === 'closing' && garbleAt < Infinity));
    if (isGarbled) garbleAt = Infinity;
    if (!(await body.write(isGarbled ? garble(data) : data))) break;
    if (part === 'content') sent += 1;
  }
  if (isGone(gone)) return;
  if (isCutAtBytes) await cutOff(exchange, fault.ending);
  else response.end();
}

interface StreamStop {
  readonly kind: 'stalled' | 'cut' | 'stream_error';
  /** -1: right after the headers. */
  readonly afterContents: number;
  readonly ending?: CutEnding | undefined;
}

/** Where a fault ends a stream between two pieces. */
function stopOf(fault: UpstreamRequestFault | undefined): StreamStop | undefined {
  if (fault?.kind === 'stalled') {
    return { kind: 'stalled', afterContents: fault.after === 'first_token' ? 1 : -1 };
  }
  if (fault?.kind === 'stream_error') {
    return { kind: 'stream_error', afterContents: Math.max(fault.afterChunks, 0) };
  }
  if (fault?.kind !== 'cut' || fault.afterBytes !== undefined) return undefined;
  return { kind: 'cut', afterContents: Math.max(fault.afterChunks ?? 1, 0), ending: fault.ending };
}

async function breakStream(exchange: Exchange, route: UpstreamRoute, stop: StreamStop): Promise<void> {
  switch (stop.kind) {
    case 'stalled':
      await untilGone(exchange.gone);
      return;
    case 'stream_error':
      exchange.response.end(exchange.wire.streamError(route));
      return;
    case 'cut':
      await cutOff(exchange, stop.ending);
  }
}
