import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { anthropicWire } from './anthropic.wire.js';
import { azureOpenAiWire } from './azure-openai.wire.js';
import { defaultReply } from './default-reply.js';
import { FaultPlan } from './fault-plan.js';
import { geminiWire } from './gemini.wire.js';
import { isRecord, type JsonRecord } from './json-value.js';
import { openAiWire } from './openai.wire.js';
import type {
  ScriptedUpstream,
  ScriptedUpstreamOptions,
  UpstreamFault,
  UpstreamFaultScript,
  UpstreamLatency,
  UpstreamLatencySetting,
  UpstreamReply,
  UpstreamRequest,
  UpstreamRequestFault,
  UpstreamScript,
} from './scripted-upstream.interface.js';
import { SeededRandom } from './seeded-random.js';
import { countCharacters, estimateTokens } from './token-estimate.js';
import { checkLatency, planTimeline } from './upstream-timeline.js';
import {
  UpstreamRefusal,
  type UpstreamAnswer,
  type UpstreamDocument,
  type UpstreamReading,
  type UpstreamRoute,
  type UpstreamWire,
} from './upstream-wire.interface.js';

const WIRES = {
  openai: openAiWire,
  'azure-openai': azureOpenAiWire,
  anthropic: anthropicWire,
  gemini: geminiWire,
};
const NO_LATENCY: UpstreamLatency = { timeToFirstTokenMs: 0, tokensPerSecond: Infinity };
const MAXIMUM_BODY_BYTES = 32 * 1024 * 1024;
/** A port given up for a refusal may be taken for a moment by someone's outgoing connection. */
const LISTEN_ATTEMPTS = 40;
const LISTEN_RETRY_MS = 50;

/**
 * Starts a local server that speaks a provider's wire format, answers by script, takes its time as a model does, and
 * fails on demand. It listens on 127.0.0.1 alone.
 *
 * The translation code of the router is not used here: formats follow the providers' published schemas and recorded
 * traffic, so that a fault in the translation does not mirror itself.
 *
 * @example
 * const upstream = await createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: 'Hello.' }) });
 * upstream.failNext({ kind: 'status', status: 529 });
 * // … point the router at upstream.baseUrl …
 * await upstream.close();
 *
 * @throws RangeError for a latency that no model can have.
 * @publicApi
 */
export async function createScriptedUpstream(options: ScriptedUpstreamOptions): Promise<ScriptedUpstream> {
  const upstream = new ScriptedUpstreamServer(options);
  await upstream.listen(options.port ?? 0);
  return upstream;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** One request on its way: where to write, and how to know that the client has gone. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the response has ended in whatever way. */
  readonly gone: AbortSignal;
  readonly route: UpstreamRoute | undefined;
  readonly query: URLSearchParams;
  readonly identifier: string;
}

class ScriptedUpstreamServer implements ScriptedUpstream {
  readonly api;
  readonly #wire: UpstreamWire;
  readonly #options: ScriptedUpstreamOptions;
  readonly #keepRequests: number;
  readonly #random: SeededRandom;
  readonly #faults: FaultPlan;
  readonly #sockets = new Set<Socket>();
  /** Connections that this side broke off: their requests are no client's abort. */
  readonly #brokenOff = new WeakSet<Socket>();
  readonly #waiters = new Set<Waiter>();
  #server: Server | undefined;
  #stopped: Promise<unknown> = Promise.resolve();
  #healing: Promise<void> | undefined;
  #closed = false;
  #refusing = false;
  #port = 0;
  #requests: UpstreamRequest[] = [];
  #requestCount = 0;
  #openRequests = 0;
  #abortedCount = 0;
  #latency: UpstreamLatencySetting;
  #reply: UpstreamScript | undefined;

  constructor(options: ScriptedUpstreamOptions) {
    this.api = options.api;
    this.#options = options;
    this.#wire = WIRES[options.api];
    this.#keepRequests = options.keepRequests ?? 10_000;
    this.#random = new SeededRandom(options.seed ?? 1);
    this.#faults = new FaultPlan(options.seed ?? 1);
    this.#latency = checkSetting(options.latency ?? NO_LATENCY);
    this.#reply = options.reply;
  }

  get port(): number {
    return this.#port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get baseUrl(): string {
    return `${this.origin}${this.#wire.basePath}`;
  }

  get requests(): readonly UpstreamRequest[] {
    return this.#requests.slice(-this.#keepRequests);
  }

  get requestCount(): number {
    return this.#requestCount;
  }

  get openRequests(): number {
    return this.#openRequests;
  }

  get abortedCount(): number {
    return this.#abortedCount;
  }

  whenRequests(count: number): Promise<void> {
    return this.#wait(() => this.#requestCount >= count, `${count} requests`);
  }

  whenAborted(count: number): Promise<void> {
    return this.#wait(() => this.#abortedCount >= count, `${count} aborted requests`);
  }

  whenIdle(): Promise<void> {
    return this.#wait(() => this.#openRequests === 0, 'an idle moment');
  }

  failNext(fault: UpstreamRequestFault, times = 1): void {
    this.#faults.failNext(fault, times);
  }

  failRequest(position: number, fault: UpstreamRequestFault): void {
    this.#faults.failRequest(position, fault);
  }

  setFaults(script: UpstreamFaultScript | undefined): void {
    this.#faults.setScript(script);
  }

  failEvery(every: number, fault: UpstreamRequestFault): void {
    this.#faults.failEvery(every, fault);
  }

  failShare(share: number, faults: UpstreamRequestFault | readonly UpstreamRequestFault[]): void {
    this.#faults.failShare(share, faults);
  }

  failAlways(fault: UpstreamFault): void {
    if (fault.kind !== 'refused') {
      this.#faults.failAlways(fault);
      return;
    }
    this.#refusing = true;
    this.#stop();
  }

  heal(): Promise<void> {
    this.#refusing = false;
    this.#faults.heal();
    if (this.#server !== undefined || this.#closed) return Promise.resolve();
    this.#healing ??= this.#stopped
      .then(() => this.listen(this.#port))
      .then(() => {
        // It may have been told to refuse again in the meantime.
        if (this.#refusing) this.#stop();
      })
      .finally(() => {
        this.#healing = undefined;
      });
    return this.#healing;
  }

  setLatency(latency: UpstreamLatencySetting): void {
    this.#latency = checkSetting(latency);
  }

  setReply(reply: UpstreamScript | undefined): void {
    this.#reply = reply;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#healing?.catch(() => undefined);
    this.#stop();
    await this.#stopped;
    for (const waiter of this.#waiters) {
      waiter.reject(new Error('The scripted upstream was closed before that happened'));
    }
    this.#waiters.clear();
  }

  async listen(port: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const server = createServer((incoming, response) => {
        void this.#serve(incoming, response);
      });
      server.keepAliveTimeout = 60_000;
      server.on('connection', (socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
      try {
        server.listen({ port, host: '127.0.0.1', backlog: 1024 });
        await once(server, 'listening');
        this.#server = server;
        this.#port = (server.address() as AddressInfo).port;
        return;
      } catch (error) {
        const mayGetFree = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' && this.#port === port;
        if (!mayGetFree || attempt === LISTEN_ATTEMPTS || port === 0) throw error;
        await delay(LISTEN_RETRY_MS);
      }
    }
  }

  /** From the return of this on, nobody listens. */
  #stop(): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#stopped = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) this.#breakOff(socket);
  }

  #breakOff(socket: Socket): void {
    this.#brokenOff.add(socket);
    socket.destroy();
  }

  #wait(isMet: () => boolean, what: string): Promise<void> {
    if (isMet()) return Promise.resolve();
    if (this.#closed)
      return Promise.reject(new Error(`The scripted upstream is closed: ${what} will not come`));
    return new Promise((resolve, reject) => this.#waiters.add({ isMet, resolve, reject }));
  }

  #notify(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    const { socket } = incoming;
    this.#openRequests += 1;
    response.once('close', () => {
      this.#openRequests -= 1;
      if (!response.writableFinished && !this.#brokenOff.has(socket)) this.#abortedCount += 1;
      gone.abort();
      this.#notify();
    });
    const [path = '/', search = ''] = (incoming.url ?? '/').split('?', 2);
    const query = new URLSearchParams(search);
    const exchange: Exchange = {
      incoming,
      response,
      gone: gone.signal,
      route: this.#wire.route(incoming.method ?? 'GET', path, query),
      query,
      identifier: this.#random.identifier(24),
    };
    try {
      await this.#answer(exchange);
    } catch (error) {
      if (gone.signal.aborted || response.headersSent) {
        this.#breakOff(socket);
      } else if (error instanceof UpstreamRefusal) {
        await this.#fail(exchange, error.problem);
      } else {
        // A script that throws: the test shall see it at the client.
        const message = error instanceof Error ? error.message : String(error);
        await this.#fail(exchange, { status: 500, message: `The upstream's script failed: ${message}` });
      }
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { incoming, route } = exchange;
    const bytes = await readBody(incoming);
    if (route === undefined) {
      throw new UpstreamRefusal({
        status: 404,
        message: `Invalid URL (${incoming.method ?? 'GET'} ${(incoming.url ?? '/').replace(/\?.*$/s, '')})`,
      });
    }
    if (route.kind === 'models') {
      await this.#answerModels(exchange);
      return;
    }
    const body = parseBody(bytes);
    const reading = {
      ...this.#wire.read(body ?? {}, route),
      ...(route.kind === 'embed' && route.model !== undefined ? { model: route.model } : {}),
    };
    const request = this.#record(reading, body ?? {}, exchange);
    const fault = this.#faults.take(request);
    if (await this.#failAtOnce(exchange, fault)) return;
    if (bytes === undefined) throw new UpstreamRefusal({ status: 413 });
    this.#checkKey(exchange);
    if (body === undefined) throw new UpstreamRefusal(this.#wire.malformedBody());
    if (route.kind === 'embed') {
      const document = this.#wire.embed?.(body);
      if (document !== undefined) await this.#sendDocument(exchange, document, fault, 0);
      return;
    }
    this.#wire.inspect(body, incoming.headers, route, this.#options.allowUnknownFields ?? false);
    this.#wire.inspectReading?.(body, reading);
    const reply = this.#reply?.(request) ?? defaultReply(reading);
    const answer = this.#compose(reply, reading, body, exchange.identifier);
    const latency =
      typeof this.#latency === 'function' ? checkLatency(this.#latency(reading.model)) : this.#latency;
    if (reading.streamed) await this.#sendStream(exchange, route, answer, latency, fault);
    else await this.#sendWhole(exchange, answer, latency, fault);
  }

  async #answerModels(exchange: Exchange): Promise<void> {
    if (await this.#failAtOnce(exchange, this.#faults.standing)) return;
    this.#checkKey(exchange);
    const list = this.#wire.listModels(this.#options.models ?? this.#wire.defaultModels);
    await this.#sendDocument(exchange, list, this.#faults.standing, 0);
  }

  /** Faults that come before the request is looked at. */
  async #failAtOnce(exchange: Exchange, fault: UpstreamRequestFault | undefined): Promise<boolean> {
    if (fault?.kind === 'status') {
      await this.#fail(exchange, { status: fault.status, retryAfterSeconds: fault.retryAfterSeconds });
      return true;
    }
    if (fault?.kind === 'stalled' && (fault.after ?? 'request') === 'request') {
      await untilGone(exchange.gone);
      return true;
    }
    return false;
  }

  #checkKey(exchange: Exchange): void {
    if (this.#options.requireKey === undefined) return;
    const key = this.#wire.keyOf(exchange.incoming.headers, exchange.query);
    if (key !== this.#options.requireKey) this.#wire.refuseKey(key);
  }

  #record(reading: UpstreamReading, body: JsonRecord, exchange: Exchange): UpstreamRequest {
    const request: UpstreamRequest = {
      api: this.api,
      model: reading.model,
      streamed: reading.streamed,
      tools: reading.tools,
      toolChoice: reading.toolChoice,
      lastUserText: reading.lastUserText,
      outputFormat: reading.wish.kind === 'json' ? 'json' : 'text',
      maxOutputTokens: reading.maxOutputTokens,
      headers: exchange.incoming.headers,
      body,
      receivedAt: Date.now(),
    };
    this.#requests.push(request);
    // Cut seldom, not each time, so that a long run stays cheap.
    if (this.#requests.length >= this.#keepRequests * 2)
      this.#requests = this.#requests.slice(-this.#keepRequests);
    this.#requestCount += 1;
    this.#notify();
    return request;
  }

  #compose(
    reply: UpstreamReply,
    reading: UpstreamReading,
    body: JsonRecord,
    identifier: string,
  ): UpstreamAnswer {
    const text = reply.text ?? '';
    const toolCalls = (reply.toolCalls ?? []).map((call) => ({
      ...call,
      identifier: this.#random.identifier(22),
    }));
    const finish = reply.finish ?? 'stop';
    const said =
      text.length +
      toolCalls.reduce((sum, call) => sum + call.name.length + JSON.stringify(call.arguments).length, 0);
    const estimated = {
      promptTokens: Math.max(estimateTokens(countCharacters(reading.prompt)), 1),
      completionTokens: estimateTokens(said) * reading.choices,
    };
    return {
      identifier,
      createdSeconds: Math.floor(Date.now() / 1000),
      model: reading.model,
      text,
      thinking: reply.thinking ?? '',
      toolCalls,
      finish: finish === 'stop' && toolCalls.length > 0 ? 'tool_calls' : finish,
      usage: { cachedTokens: 0, ...estimated, ...reply.usage },
      choices: reading.choices,
      body,
    };
  }

  async #sendWhole(
    exchange: Exchange,
    answer: UpstreamAnswer,
    latency: UpstreamLatency,
    fault: UpstreamRequestFault | undefined,
  ): Promise<void> {
    if (fault?.kind === 'stream_error') {
      await this.#fail(exchange, { status: 503 });
      return;
    }
    const { completeMs } = planTimeline(latency, [], answer.usage.completionTokens, this.#random);
    await this.#sendDocument(exchange, this.#wire.document(answer), fault, completeMs);
  }

  async #sendDocument(
    exchange: Exchange,
    { status, headers, body }: UpstreamDocument,
    fault: UpstreamRequestFault | undefined,
    afterMs: number,
  ): Promise<void> {
    const { response, gone } = exchange;
    const bytes = Buffer.from(JSON.stringify(body));
    const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
    const stalled = fault?.kind === 'stalled' ? fault.after : undefined;
    if (stalled !== 'headers') await wait(afterMs, gone);
    if (gone.aborted) return;
    response.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
    if (stalled !== undefined) {
      if (stalled === 'headers') response.flushHeaders();
      else await write(response, half);
      await untilGone(gone);
    } else if (fault?.kind === 'cut') {
      await write(response, half);
      this.#breakOff(exchange.incoming.socket);
    } else {
      response.end(bytes);
    }
  }

  async #sendStream(
    exchange: Exchange,
    route: UpstreamRoute,
    answer: UpstreamAnswer,
    latency: UpstreamLatency,
    fault: UpstreamRequestFault | undefined,
  ): Promise<void> {
    const { response, gone } = exchange;
    const start = performance.now();
    const pieces = this.#wire.stream(answer, route);
    const contents = pieces.filter((piece) => piece.part === 'content');
    const shares = contents.map((piece) => piece.characters);
    const timeline = planTimeline(latency, shares, answer.usage.completionTokens, this.#random);
    const stop = stopOf(fault);
    const dueAt = (ms: number): Promise<void> => wait(ms - (performance.now() - start), gone);
    const begin = (): void => {
      response.writeHead(200, this.#wire.streamHeaders(answer, route));
      response.flushHeaders();
    };
    if (stop?.afterContents === -1) {
      begin();
      await untilGone(gone);
      return;
    }
    let sent = 0;
    await dueAt(timeline.dueMs[0] ?? timeline.completeMs);
    if (isGone(gone)) return;
    begin();
    for (const piece of pieces) {
      if (piece.part !== 'opening') {
        const isStop = stop !== undefined && (piece.part === 'closing' || sent >= stop.afterContents);
        if (isStop) {
          await this.#breakStream(exchange, route, stop.kind);
          return;
        }
        await dueAt(piece.part === 'content' ? (timeline.dueMs[sent] ?? 0) : timeline.completeMs);
      }
      if (isGone(gone)) return;
      if (stop !== undefined) await write(response, piece.data);
      else if (!response.write(piece.data)) await drained(response, gone);
      if (piece.part === 'content') sent += 1;
    }
    response.end();
  }

  async #breakStream(exchange: Exchange, route: UpstreamRoute, kind: StreamStop['kind']): Promise<void> {
    switch (kind) {
      case 'stalled':
        await untilGone(exchange.gone);
        return;
      case 'stream_error':
        exchange.response.end(this.#wire.streamError(route));
        return;
      case 'cut':
        // Lets what was written leave this process before the connection goes.
        await new Promise(setImmediate);
        this.#breakOff(exchange.incoming.socket);
    }
  }

  async #fail(exchange: Exchange, problem: UpstreamRefusal['problem']): Promise<void> {
    const document = this.#wire.problem(problem, exchange.identifier, exchange.route);
    await this.#sendDocument(exchange, document, undefined, 0);
  }
}

interface StreamStop {
  readonly kind: 'stalled' | 'cut' | 'stream_error';
  /** -1: right after the headers. */
  readonly afterContents: number;
}

function stopOf(fault: UpstreamRequestFault | undefined): StreamStop | undefined {
  switch (fault?.kind) {
    case 'stalled':
      return { kind: 'stalled', afterContents: fault.after === 'first_token' ? 1 : -1 };
    case 'cut':
    case 'stream_error':
      return { kind: fault.kind, afterContents: Math.max(fault.afterChunks, 0) };
    case 'status':
    case undefined:
      return undefined;
  }
}

function checkSetting(setting: UpstreamLatencySetting): UpstreamLatencySetting {
  return typeof setting === 'function' ? setting : checkLatency(setting);
}

/** The body's bytes, all read; undefined where there were too many of them. */
async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAXIMUM_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return length <= MAXIMUM_BODY_BYTES ? Buffer.concat(chunks) : undefined;
}

function parseBody(bytes: Buffer | undefined): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Asked through a function, because the compiler takes a property for unchanged across an await. */
function isGone(gone: AbortSignal): boolean {
  return gone.aborted;
}

/** Waits, but no longer than the client stays. */
async function wait(ms: number, gone: AbortSignal): Promise<void> {
  if (ms <= 0 || gone.aborted) return;
  await delay(ms, undefined, { signal: gone }).catch(() => undefined);
}

async function untilGone(gone: AbortSignal): Promise<void> {
  if (!gone.aborted) await once(gone, 'abort');
}

async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  await once(response, 'drain', { signal: gone }).catch(() => undefined);
}

/** Resolves when the data has left this process, or cannot any more. */
function write(response: ServerResponse, data: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.write(data, () => {
      resolve();
    });
  });
}
