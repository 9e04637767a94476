import { execFileSync, spawnSync } from 'node:child_process';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import axios from 'axios';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ProviderError } from '../errors/provider-error.js';
import { AxiosTransport, type AxiosTransportOptions } from './axios-transport.js';
import { readBodyText } from './read-body.js';
import type { TransportRequest } from './transport.js';

const SECRET = 'sk-very-secret-key';
const PROMPT = 'the prompt nobody may see';
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

type Listener = http.Server | https.Server | net.Server;
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

async function listen(server: Listener): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(http.createServer(listener))}`;
}

async function readRequest(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
  }
  return text;
}

function requestTo(url: string, signal: AbortSignal = new AbortController().signal): TransportRequest {
  return {
    url,
    headers: { 'x-api-key': SECRET, Authorization: `Bearer ${SECRET}` },
    body: JSON.stringify({ prompt: PROMPT }),
    signal,
  };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

function expectNoSecret(error: unknown): void {
  const printed = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
  expect(printed).not.toContain(SECRET);
  expect(printed).not.toContain(PROMPT);
  expect(printed).not.toContain('AxiosError');
  expect((error as Error).cause).toBeUndefined();
}

/** undici gives a connection back one turn of the event loop after the answer's end. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A proxy that knows CONNECT and the absolute form, and sends every tunnel and request to one address. */
class TinyProxy extends EventEmitter {
  readonly tunnels: string[] = [];
  readonly forwarded: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  refuseWith: number | undefined;
  url = '';

  async start(targetPort: number): Promise<this> {
    const server = http.createServer((request, response) => {
      this.forwarded.push(request.url ?? '');
      this.authorizations.push(request.headers['proxy-authorization']);
      const { pathname } = new URL(request.url ?? '');
      const onward = http.request(
        {
          host: '127.0.0.1',
          port: targetPort,
          method: request.method,
          path: pathname,
          headers: request.headers,
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    });
    server.on('connect', (request: IncomingMessage, socket: Socket) => {
      this.tunnels.push(request.url ?? '');
      this.authorizations.push(request.headers['proxy-authorization']);
      socket.on('error', () => undefined);
      if (this.refuseWith !== undefined) {
        socket.end(`HTTP/1.1 ${this.refuseWith} No\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const upstream = net.connect(targetPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.once('close', () => upstream.destroy());
    });
    this.url = `http://127.0.0.1:${await listen(server)}`;
    return this;
  }
}

let certificates: { key: Buffer; cert: Buffer; file: string } | undefined;
let directory: string | undefined;

beforeAll(() => {
  if (!hasOpenssl) {
    return;
  }
  directory = mkdtempSync(join(tmpdir(), 'axios-transport-'));
  const file = join(directory, 'cert.pem');
  const keyFile = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:upstream.test,IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...key, '-keyout', keyFile, '-out', file, '-days', '2', ...subject],
    { stdio: 'ignore' },
  );
  certificates = { key: readFileSync(keyFile), cert: readFileSync(file), file };
});

afterAll(() => {
  if (directory !== undefined) {
    rmSync(directory, { recursive: true });
  }
});

describe.each(['undici', 'http'] as const)('AxiosTransport over %s', (adapter) => {
  function createTransport(options: Partial<AxiosTransportOptions> = {}): AxiosTransport {
    const transport = new AxiosTransport({ adapter, connectTimeoutMs: 2000, environment: {}, ...options });
    cleanups.push(() => transport.close());
    return transport;
  }

  async function fetchText(transport: AxiosTransport, url: string): Promise<string> {
    const response = await transport.send(requestTo(url));
    return readBodyText(response.body, 1_000_000);
  }

  it('posts the body as it is and gives status, headers and body back', async () => {
    let seen: { method?: string; url?: string; headers: http.IncomingHttpHeaders; text: string } | undefined;
    const url = await serve((request, response) => {
      void readRequest(request).then((text) => {
        seen = { method: request.method, url: request.url, headers: request.headers, text };
        response.writeHead(429, { 'Retry-After': '7', 'X-Twice': ['a', 'b'], 'content-type': 'text/plain' });
        response.end('grüße');
      });
    });

    const response = await createTransport().send(requestTo(`${url}/v1/chat?alt=sse`));

    expect(response.status).toBe(429);
    expect(response.headers).toMatchObject({
      'retry-after': '7',
      'x-twice': 'a, b',
      'content-type': 'text/plain',
    });
    expect(await readBodyText(response.body, 1000)).toBe('grüße');
    expect(seen?.method).toBe('POST');
    expect(seen?.url).toBe('/v1/chat?alt=sse');
    expect(seen?.text).toBe(JSON.stringify({ prompt: PROMPT }));
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'x-api-key': SECRET,
      authorization: `Bearer ${SECRET}`,
      'content-length': String(seen?.text.length),
    });
  });

  it("uses none of the application's axios defaults", async () => {
    let headers: http.IncomingHttpHeaders = {};
    const url = await serve((request, response) => {
      headers = request.headers;
      response.end('ok');
    });
    axios.defaults.headers.common['x-application'] = 'leaked';
    cleanups.push(() => {
      delete axios.defaults.headers.common['x-application'];
    });

    await fetchText(createTransport(), url);

    expect(headers).not.toHaveProperty('x-application');
    expect(headers['user-agent']).toBe('nestjs-llm-router');
  });

  it('uses one connection for two calls in a row, and as many as there are calls at once', async () => {
    const ports = new Set<number | undefined>();
    const waiting: ServerResponse[] = [];
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      if (request.url === '/now') {
        response.end('ok');
        return;
      }
      waiting.push(response);
      if (waiting.length === 12) {
        waiting.forEach((each) => each.end('ok'));
      }
    });
    const transport = createTransport();

    await fetchText(transport, `${url}/now`);
    await nextTurn();
    await fetchText(transport, `${url}/now`);
    expect(ports.size).toBe(1);

    await nextTurn();
    await Promise.all(Array.from({ length: 12 }, () => fetchText(transport, `${url}/together`)));
    expect(ports.size).toBe(12);
  });

  it('survives that the provider has closed an idle connection', async () => {
    const sockets: Socket[] = [];
    const url = await serve((request, response) => {
      sockets.push(request.socket);
      response.end('ok');
    });
    const transport = createTransport();
    await fetchText(transport, url);
    const closed = once(sockets[0]!, 'close');
    sockets[0]!.end();
    await closed;

    expect(await fetchText(transport, url)).toBe('ok');
    expect(new Set(sockets).size).toBe(2);
  });

  it('does not follow a redirect', async () => {
    let visits = 0;
    const elsewhere = await serve((_request, response) => {
      visits += 1;
      response.end('stolen');
    });
    const url = await serve((_request, response) => {
      response.writeHead(307, { location: elsewhere }).end('moved');
    });

    const response = await createTransport().send(requestTo(url));

    expect(response.status).toBe(307);
    expect(response.headers.location).toBe(elsewhere);
    expect(await readBodyText(response.body, 1000)).toBe('moved');
    expect(visits).toBe(0);
  });

  it('hands chunks on as they come', async () => {
    let upstream: ServerResponse | undefined;
    const url = await serve((_request, response) => {
      upstream = response;
      response.write('data: 1\n\n');
    });
    const { body } = await createTransport().send(requestTo(url));
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;

    expect(String((await chunks.next()).value)).toBe('data: 1\n\n');
    upstream?.end('data: 2\n\n');
    expect(String((await chunks.next()).value)).toBe('data: 2\n\n');
    expect((await chunks.next()).done).toBe(true);
  });

  describe('abort', () => {
    it('before the call: no connection, the reason as it is', async () => {
      const reason = new Error('deadline');
      const signal = AbortSignal.abort(reason);
      expect(await rejection(createTransport().send(requestTo('http://127.0.0.1:9', signal)))).toBe(reason);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    it('while waiting for headers: closes the upstream socket', async () => {
      const arrived = new EventEmitter();
      const url = await serve((request) => {
        request.socket.once('close', () => arrived.emit('closed'));
        arrived.emit('request');
      });
      const controller = new AbortController();
      const closed = once(arrived, 'closed');
      const requested = once(arrived, 'request');
      const sending = rejection(createTransport().send(requestTo(url, controller.signal)));
      await requested;
      const reason = { why: 'any value' };
      controller.abort(reason);

      expect(await sending).toBe(reason);
      await closed;
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    });

    it('while connecting: does not wait for the connection', async () => {
      const connected = new EventEmitter();
      const port = await listen(net.createServer(() => connected.emit('socket')));
      const controller = new AbortController();
      const accepted = once(connected, 'socket');
      const sending = rejection(
        createTransport({ connectTimeoutMs: 10_000 }).send(
          requestTo(`https://127.0.0.1:${port}`, controller.signal),
        ),
      );
      await accepted;
      const reason = new Error('left');
      controller.abort(reason);

      expect(await sending).toBe(reason);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    });

    it('in mid-body: closes the upstream socket, the body ends with the reason', async () => {
      const upstream = new EventEmitter();
      const url = await serve((request, response) => {
        request.socket.once('close', () => upstream.emit('closed'));
        response.write('first');
      });
      const controller = new AbortController();
      const closed = once(upstream, 'closed');
      const { body } = await createTransport().send(requestTo(url, controller.signal));
      await once(body, 'readable');
      const reason = new Error('client left');
      controller.abort(reason);

      expect(await rejection(readBodyText(body, 1000))).toBe(reason);
      await closed;
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    });

    it('leaves no listener behind after an answer read, destroyed, or failed', async () => {
      const closed = new EventEmitter();
      const url = await serve((request, response) => {
        if (request.url === '/endless') {
          request.socket.once('close', () => closed.emit('closed'));
          response.write('first');
        } else {
          response.end('ok');
        }
      });
      const transport = createTransport();
      const { signal } = new AbortController();

      const whole = await transport.send(requestTo(url, signal));
      expect(getEventListeners(signal, 'abort').length).toBeGreaterThan(0);
      await readBodyText(whole.body, 1000);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);

      const upstreamClosed = once(closed, 'closed');
      const endless = await transport.send(requestTo(`${url}/endless`, signal));
      endless.body.destroy();
      await upstreamClosed;
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);

      await rejection(transport.send(requestTo('http://127.0.0.1:1', signal)));
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
  });

  describe('failures', () => {
    it('a refused connection', async () => {
      const server = http.createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));

      const error = await rejection(createTransport().send(requestTo(`http://127.0.0.1:${port}`)));

      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'ECONNREFUSED' });
      expectNoSecret(error);
    });

    it('a connection that is taken but never finishes its handshake ends with the connect timeout', async () => {
      const port = await listen(net.createServer());
      const transport = createTransport({ connectTimeoutMs: 150 });
      const started = performance.now();

      const error = await rejection(transport.send(requestTo(`https://127.0.0.1:${port}`)));

      expect(error).toMatchObject({ kind: 'timeout', providerCode: 'connect_timeout' });
      expect(error).toBeInstanceOf(ProviderError);
      expectNoSecret(error);
      expect(performance.now() - started).toBeGreaterThan(140);
      expect(performance.now() - started).toBeLessThan(3000);
    });

    it('the connect timeout does not limit the answer', async () => {
      const url = await serve((_request, response) => {
        setTimeout(() => response.end('late'), 400);
      });
      expect(await fetchText(createTransport({ connectTimeoutMs: 100 }), url)).toBe('late');
    });

    it('a connection lost before the headers', async () => {
      const url = await serve((request) => {
        request.socket.destroy();
      });
      const error = await rejection(createTransport().send(requestTo(url)));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
      expectNoSecret(error);
    });

    it.each([
      ['shorter than its content-length', 'content-length: 100\r\n\r\nonly this'],
      ['without its last chunk', 'transfer-encoding: chunked\r\n\r\n4\r\nonly\r\n'],
    ])('a body %s is an error, not an end', async (_name, rest) => {
      const port = await listen(
        net.createServer((socket) => {
          socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
        }),
      );
      const { body } = await createTransport().send(requestTo(`http://127.0.0.1:${port}`));
      const error = await rejection(readBodyText(body, 1000));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
      expectNoSecret(error);
    });

    it('a connection reset in mid-body', async () => {
      const url = await serve((request, response) => {
        response.write('first');
        setImmediate(() => request.socket.resetAndDestroy());
      });
      const { body } = await createTransport().send(requestTo(url));
      const error = await rejection(readBodyText(body, 1000));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
      expectNoSecret(error);
    });

    it('an answer that is not HTTP', async () => {
      const port = await listen(
        net.createServer((socket) => {
          socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.0\r\n'));
        }),
      );
      const error = await rejection(createTransport().send(requestTo(`http://127.0.0.1:${port}`)));
      expect(error).toBeInstanceOf(ProviderError);
      expect((error as ProviderError).kind).toBe('bad_response');
      expectNoSecret(error);
    });

    it('a body over the cap', async () => {
      const upstream = new EventEmitter();
      const url = await serve((request, response) => {
        request.socket.once('close', () => upstream.emit('closed'));
        response.write('x'.repeat(2000));
      });
      const closed = once(upstream, 'closed');
      const { body } = await createTransport().send(requestTo(url));
      expect(await rejection(readBodyText(body, 1999))).toMatchObject({
        kind: 'bad_response',
        providerCode: 'response_too_large',
      });
      expect(body.destroyed).toBe(true);
      await closed;
    });
  });

  describe('compression nobody asked for', () => {
    const text = JSON.stringify({ answer: 'compressed '.repeat(2000) });
    it.each([
      ['gzip', gzipSync(text)],
      ['deflate', deflateSync(text)],
      ['br', brotliCompressSync(text)],
      ['gzip, br', brotliCompressSync(gzipSync(text))],
    ])('%s comes out decoded', async (encoding, bytes) => {
      const url = await serve((_request, response) => {
        response
          .writeHead(200, { 'content-encoding': encoding, 'content-length': bytes.byteLength })
          .end(bytes);
      });
      const response = await createTransport().send(requestTo(url));
      expect(response.headers).not.toHaveProperty('content-encoding');
      expect(response.headers).not.toHaveProperty('content-length');
      expect(await readBodyText(response.body, 1_000_000)).toBe(text);
    });

    it.each([
      ['broken', Buffer.from('not gzip at all'), 'bad_response'],
      ['cut short', gzipSync(text).subarray(0, 40), 'bad_response'],
    ])('%s gzip is an error', async (_name, bytes, kind) => {
      const url = await serve((_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
      });
      const { body } = await createTransport().send(requestTo(url));
      const error = await rejection(readBodyText(body, 1_000_000));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind });
    });

    it('a compressed stream can be aborted', async () => {
      const upstream = new EventEmitter();
      const url = await serve((request, response) => {
        request.socket.once('close', () => upstream.emit('closed'));
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.write(gzipSync(text).subarray(0, 40));
      });
      const closed = once(upstream, 'closed');
      const controller = new AbortController();
      const { body } = await createTransport().send(requestTo(url, controller.signal));
      const reading = rejection(readBodyText(body, 1_000_000));
      const reason = new Error('left');
      controller.abort(reason);
      expect(await reading).toBe(reason);
      await closed;
    });
  });

  describe('close', () => {
    it('ends open calls and refuses new ones', async () => {
      const arrived = new EventEmitter();
      const url = await serve((request, response) => {
        if (request.url === '/body') {
          response.write('first');
        } else {
          arrived.emit('request');
        }
      });
      const transport = createTransport();
      const { body } = await transport.send(requestTo(`${url}/body`));
      const requested = once(arrived, 'request');
      const waiting = rejection(transport.send(requestTo(url)));
      await requested;
      const reading = rejection(readBodyText(body, 1000));

      await transport.close();
      await transport.close();

      const expected = { kind: 'connection', providerCode: 'transport_closed' };
      expect(await waiting).toMatchObject(expected);
      expect(await reading).toMatchObject(expected);
      expect(await rejection(transport.send(requestTo(url)))).toMatchObject(expected);
    });
  });

  describe.skipIf(!hasOpenssl)(hasOpenssl ? 'TLS' : 'TLS (skipped: no openssl to make a certificate)', () => {
    async function serveTls(listener: RequestListener): Promise<number> {
      return listen(https.createServer({ key: certificates!.key, cert: certificates!.cert }, listener));
    }

    it('refuses a certificate it does not know', async () => {
      const port = await serveTls((_request, response) => response.end('ok'));
      const error = await rejection(createTransport().send(requestTo(`https://127.0.0.1:${port}`)));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      expectNoSecret(error);
    });

    it('trusts a certificate of the CA file, and keeps the connection', async () => {
      const ports = new Set<number | undefined>();
      const port = await serveTls((request, response) => {
        ports.add(request.socket.remotePort);
        response.end('ok');
      });
      const transport = createTransport({ caFile: certificates!.file });
      expect(await fetchText(transport, `https://127.0.0.1:${port}`)).toBe('ok');
      await nextTurn();
      expect(await fetchText(transport, `https://127.0.0.1:${port}`)).toBe('ok');
      expect(ports.size).toBe(1);
    });

    it('refuses a certificate for another name', async () => {
      const port = await serveTls((_request, response) => response.end('ok'));
      const error = await rejection(
        createTransport({ caFile: certificates!.file }).send(requestTo(`https://localhost:${port}`)),
      );
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    });

    it('goes through a CONNECT tunnel of HTTPS_PROXY, end to end encrypted, and keeps it', async () => {
      const ports = new Set<number | undefined>();
      const port = await serveTls((request, response) => {
        ports.add(request.socket.remotePort);
        expect(request.headers).not.toHaveProperty('proxy-authorization');
        response.end('tunnelled');
      });
      const proxy = await new TinyProxy().start(port);
      const transport = createTransport({
        caFile: certificates!.file,
        environment: { https_proxy: proxy.url.replace('//', '//user:p%40ss@') },
      });

      expect(await fetchText(transport, 'https://upstream.test/v1')).toBe('tunnelled');
      await nextTurn();
      expect(await fetchText(transport, 'https://upstream.test/v1')).toBe('tunnelled');

      expect(proxy.tunnels).toEqual(['upstream.test:443']);
      expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
      expect(ports.size).toBe(1);
    });

    it('a body through the tunnel that is cut is an error', async () => {
      const port = await serveTls((request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('first', () => request.socket.destroy());
      });
      const proxy = await new TinyProxy().start(port);
      const transport = createTransport({
        caFile: certificates!.file,
        environment: { HTTPS_PROXY: proxy.url },
      });
      const { body } = await transport.send(requestTo('https://upstream.test/v1'));
      expect(await rejection(readBodyText(body, 1000))).toMatchObject({
        kind: 'connection',
        providerCode: 'ECONNRESET',
      });
    });

    it('honours NO_PROXY', async () => {
      const port = await serveTls((_request, response) => response.end('direct'));
      const proxy = await new TinyProxy().start(1);
      const transport = createTransport({
        caFile: certificates!.file,
        environment: { HTTPS_PROXY: proxy.url, NO_PROXY: 'example.test, 127.0.0.1' },
      });
      expect(await fetchText(transport, `https://127.0.0.1:${port}`)).toBe('direct');
      expect(proxy.tunnels).toEqual([]);
    });

    it('does not trust an unknown certificate behind a tunnel', async () => {
      const port = await serveTls((_request, response) => response.end('ok'));
      const proxy = await new TinyProxy().start(port);
      const transport = createTransport({ environment: { HTTPS_PROXY: proxy.url } });
      const error = await rejection(transport.send(requestTo('https://upstream.test')));
      expect(error).toMatchObject({
        kind: 'connection',
        providerCode: `DEPTH_ZERO_SELF_SIGNED_CERT via proxy ${new URL(proxy.url).host}`,
      });
      expectNoSecret(error);
    });
  });

  describe('proxy', () => {
    it('a refused tunnel is a broken connection, not an answer of the provider', async () => {
      const proxy = await new TinyProxy().start(1);
      proxy.refuseWith = 403;
      const transport = createTransport({ environment: { HTTPS_PROXY: proxy.url } });
      const error = await rejection(transport.send(requestTo('https://upstream.test')));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'proxy_refused' });
      expectNoSecret(error);
    });

    it('a proxy that is not there', async () => {
      const transport = createTransport({ environment: { HTTPS_PROXY: 'http://user:p%40ss@127.0.0.1:1' } });
      const error = await rejection(transport.send(requestTo('https://upstream.test')));
      // With its address, or it would be taken for the provider; without its password.
      expect(error).toMatchObject({
        kind: 'connection',
        providerCode: 'ECONNREFUSED via proxy 127.0.0.1:1',
        message: 'Provider attempt failed: connection [ECONNREFUSED via proxy 127.0.0.1:1]',
      });
      expect(inspect(error)).not.toMatch(/user|p%40ss|p@ss/);
    });

    it('is not blamed for what goes past it', async () => {
      const transport = createTransport({
        environment: { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' },
      });
      const error = await rejection(transport.send(requestTo('https://127.0.0.1:2')));
      expect(error).toMatchObject({ kind: 'connection', providerCode: 'ECONNREFUSED' });
    });

    it('a proxy that never answers ends with the connect timeout', async () => {
      const port = await listen(net.createServer());
      const transport = createTransport({
        connectTimeoutMs: 150,
        environment: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
      });
      const error = await rejection(transport.send(requestTo('https://upstream.test')));
      expect(error).toMatchObject({
        kind: 'timeout',
        providerCode: `connect_timeout via proxy 127.0.0.1:${port}`,
      });
    });

    it('plain http goes through HTTP_PROXY in absolute form, and past it by NO_PROXY', async () => {
      const port = await listen(
        http.createServer((request, response) => {
          void readRequest(request).then((text) => response.end(`got ${text.length}`));
        }),
      );
      const proxy = await new TinyProxy().start(port);
      const length = JSON.stringify({ prompt: PROMPT }).length;
      const transport = createTransport({ environment: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } });

      expect(await fetchText(transport, 'http://upstream.test/v1/chat')).toBe(`got ${length}`);
      expect(proxy.forwarded).toEqual(['http://upstream.test/v1/chat']);
      expect(await fetchText(transport, `http://127.0.0.1:${port}/v1/chat`)).toBe(`got ${length}`);
      expect(proxy.forwarded).toHaveLength(1);
      expect(proxy.tunnels).toEqual([]);
    });

    it("gives a forwarding proxy's own refusal back as an answer or as an error, never as an exception", async () => {
      const url = await serve((_request, response) => {
        response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end('who are you?');
      });
      const transport = createTransport({ environment: { HTTP_PROXY: url } });
      const outcome = await transport.send(requestTo('http://upstream.test/v1')).then(
        async (response) => `${response.status} ${await readBodyText(response.body, 1000)}`,
        (error: unknown) => {
          expect(error).toBeInstanceOf(ProviderError);
          expectNoSecret(error);
          return (error as ProviderError).kind;
        },
      );
      expect(outcome).toBe(adapter === 'http' ? '407 who are you?' : 'connection');
    });

    it('abort ends a call through the proxy', async () => {
      const arrived = new EventEmitter();
      const port = await listen(
        http.createServer((request) => {
          arrived.emit('request', request);
        }),
      );
      const proxy = await new TinyProxy().start(port);
      const controller = new AbortController();
      const requested = once(arrived, 'request');
      const sending = rejection(
        createTransport({ environment: { HTTP_PROXY: proxy.url } }).send(
          requestTo('http://upstream.test', controller.signal),
        ),
      );
      await requested;
      const reason = new Error('left');
      controller.abort(reason);
      expect(await sending).toBe(reason);
    });

    it('refuses an address that is none, without showing it', () => {
      const create = (): AxiosTransport =>
        createTransport({ environment: { HTTPS_PROXY: `socks5://u:${SECRET}@h` } });
      expect(create).toThrow('HTTPS_PROXY is not an http: or https: address');
      expect(create).not.toThrow(SECRET);
    });
  });
});
