import { request as openRequest } from 'node:http';
import { Readable } from 'node:stream';

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  /** `host` may be set, which `fetch` does not allow. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An iterable is sent in chunks, without a Content-Length. */
  readonly body?: string | Buffer | Iterable<Buffer> | AsyncIterable<Buffer>;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  json(): unknown;
}

const TIMEOUT_MS = 10_000;

/** One request over a connection of its own, with no header but those given. */
export function sendRaw(
  url: string,
  { method = 'GET', path, headers, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const outgoing = openRequest(`${url}${path}`, { method, headers, agent: false }, (incoming) => {
      answered = true;
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: () => JSON.parse(text) as unknown,
        });
      });
    });
    outgoing.setTimeout(TIMEOUT_MS, () =>
      outgoing.destroy(new Error(`${method} ${path}: no answer in time`)),
    );
    // A server that refuses a body may close while it is still being written; what it answered is what counts.
    outgoing.on('error', (error) => {
      if (!answered) reject(error);
    });
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
    else Readable.from(body, { objectMode: false }).pipe(outgoing);
  });
}
