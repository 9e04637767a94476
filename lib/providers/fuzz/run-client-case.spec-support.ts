import { Readable } from 'node:stream';
import { wireTextOf } from '../../chat/wire-text.js';
import { AnswerBody } from '../answer-body.js';
import { ProviderClient } from '../provider-client.js';
import { Transport, type TransportResponse } from '../transport.js';
import { inPieces, makeAnswer, makeHeaders, makeStream, STATUSES } from './make-input.spec-support.js';
import { checkError, checkGrowth, Fault } from './oracles.spec-support.js';
import type { Random } from './random.spec-support.js';
import type { Seeds } from './seeds.spec-support.js';
import { EMBEDDINGS_CALLS, type Subject } from './subjects.spec-support.js';

/** Answers every request with one body. */
class OneAnswer extends Transport {
  constructor(private readonly response: TransportResponse) {
    super();
  }

  override send(): Promise<TransportResponse> {
    return Promise.resolve(this.response);
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The whole way that bytes from a socket take: a body that is cut anywhere, fails or ends, through the provider's client. */
export async function runClientCase(
  random: Random,
  seeds: Seeds,
  subject: Subject,
): Promise<{ readonly growth: number; readonly isSuccess: boolean }> {
  const way = random.pick(['stream', 'stream', 'answer', 'embeddings', 'probe'] as const);
  const wireSeeds = seeds.wires[subject.wire];
  const input =
    way === 'stream' ? makeStream(random, seeds, subject) : makeAnswer(random, wireSeeds.answers, wireSeeds.failures);
  const pieces = inPieces(random, input).map((piece) => Buffer.from(piece));
  const failsAt = random.chance(0.2) ? random.below(pieces.length + 1) : undefined;
  const source = Readable.from(cutAt(pieces, failsAt), { objectMode: false });
  const body = random.chance(0.5) ? new AnswerBody(source, () => undefined) : source;
  // As the transport does: an error that comes when nobody reads any more must not end the process.
  body.on('error', () => undefined);
  const contentType = random.pick(['text/event-stream', 'text/event-stream', 'application/json', 'text/html', '']);
  const response: TransportResponse = {
    status: random.chance(0.7) ? 200 : random.pick(STATUSES),
    headers: { ...makeHeaders(random), ...(way === 'stream' ? { 'content-type': contentType } : {}) },
    body,
  };
  const client = new ProviderClient({
    name: 'p',
    adapter: subject.adapter,
    transport: new OneAnswer(response),
    baseUrl: 'http://upstream.test',
    keys: undefined,
  });
  const { signal } = new AbortController();
  let output = 0;
  let isSuccess = true;
  try {
    switch (way) {
      case 'stream': {
        const { chunks } = await client.prepare(random.pick(subject.calls)).openStream(signal);
        for await (const group of chunks) {
          for (const chunk of group) output += wireTextOf(chunk).length;
        }
        break;
      }
      case 'answer':
        output = JSON.stringify(await client.prepare(random.pick(subject.calls)).complete(signal, () => undefined)).length;
        break;
      case 'embeddings':
        if (subject.adapter.embeddings === undefined) break;
        await client.prepareEmbeddings(random.pick(EMBEDDINGS_CALLS)).complete(signal, () => undefined);
        break;
      case 'probe':
        await client.probe(signal);
    }
  } catch (error) {
    checkError(error);
    isSuccess = false;
  }
  checkGrowth(input.length, output);
  const wasAsked = way !== 'embeddings' || subject.adapter.embeddings !== undefined;
  if (wasAsked && way !== 'stream' && !body.destroyed && !body.readableEnded) {
    throw new Fault('a body was left open');
  }
  body.destroy();
  return { growth: output / Math.max(input.length, 200), isSuccess };
}

function* cutAt(pieces: readonly Buffer[], failsAt: number | undefined): Generator<Buffer> {
  for (const [place, piece] of pieces.entries()) {
    if (place === failsAt) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    if (piece.length > 0) yield piece;
  }
  if (failsAt === pieces.length) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
}
