import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { anthropicWire } from './anthropic.wire.js';
import { azureOpenAiWire } from './azure-openai.wire.js';
import { CapacityGate } from './capacity-gate.js';
import { composeAnswer } from './compose-answer.js';
import { defaultReply } from './default-reply.js';
import { type Exchange, isGone, wait } from './exchange.js';
import { FaultPlan } from './fault-plan.js';
import { geminiWire } from './gemini.wire.js';
import type { JsonRecord } from './json-value.js';
import { KeyRing } from './key-ring.js';
import { openAiWire } from './openai.wire.js';
import { withPlace } from './oversized.js';
import { withRateLimit } from './rate-limit-headers.js';
import { parseRequestBody, readRequestBody } from './read-request-body.js';
import type {
  ScriptedUpstream,
  ScriptedUpstreamOptions,
  UpstreamFaultScript,
  UpstreamLatency,
  UpstreamLatencySetting,
  UpstreamRateLimitSetting,
  UpstreamRequest,
  UpstreamScript,
} from './scripted-upstream.interface.js';
import { SeededRandom } from './seeded-random.js';
import { sendDocument, sendProblem } from './send-document.js';
import { sendImmediateFault } from './send-immediate-fault.js';
import { sendStream } from './send-stream.js';
import type { UpstreamFault, UpstreamRequestFault } from './upstream-fault.interface.js';
import type { UpstreamCapacity, UpstreamKeyLimit, UpstreamRateLimit } from './upstream-limits.interface.js';
import { UpstreamListener } from './upstream-listener.js';
import { checkLatency, planTimeline } from './upstream-timeline.js';
import { UpstreamWaiters } from './upstream-waiters.js';
import {
  UpstreamRefusal,
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
 * @throws RangeError for a latency or a capacity that no upstream can have.
 * @publicApi
 */
export async function createScriptedUpstream(options: ScriptedUpstreamOptions): Promise<ScriptedUpstream> {
  const upstream = new ScriptedUpstreamServer(options);
  await upstream.listen(options.port ?? 0);
  return upstream;
}

class ScriptedUpstreamServer implements ScriptedUpstream {
  readonly api;
  readonly #wire: UpstreamWire;
  readonly #options: ScriptedUpstreamOptions;
  readonly #keepRequests: number;
  readonly #random: SeededRandom;
  readonly #faults: FaultPlan;
  readonly #gate: CapacityGate;
  readonly #keys: KeyRing;
  readonly #listener: UpstreamListener;
  readonly #waiters = new UpstreamWaiters();
  /** Connections that have carried a request. */
  readonly #used = new WeakSet<Socket>();
  #healing: Promise<void> | undefined;
  #closed = false;
  #refusing = false;
  #requests: UpstreamRequest[] = [];
  #requestCount = 0;
  #openRequests = 0;
  #abortedCount = 0;
  #latency: UpstreamLatencySetting;
  #rateLimit: UpstreamRateLimitSetting | undefined;
  #reply: UpstreamScript | undefined;

  constructor(options: ScriptedUpstreamOptions) {
    const { api, seed = 1, requireKey, requireKeys = [] } = options;
    this.api = api;
    this.#options = options;
    this.#wire = WIRES[api];
    this.#keepRequests = options.keepRequests ?? 10_000;
    this.#random = new SeededRandom(seed);
    this.#faults = new FaultPlan(seed);
    this.#gate = new CapacityGate(options.capacity);
    this.#keys = new KeyRing(requireKey === undefined ? requireKeys : [requireKey, ...requireKeys]);
    this.#listener = new UpstreamListener((incoming, response) => {
      void this.#serve(incoming, response);
    });
    this.#latency = checkSetting(options.latency ?? NO_LATENCY);
    this.#rateLimit = options.rateLimit;
    this.#reply = options.reply;
  }

  get port(): number {
    return this.#listener.port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
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

  get queuedRequests(): number {
    return this.#gate.queued;
  }

  get abortedCount(): number {
    return this.#abortedCount;
  }

  whenRequests(count: number): Promise<void> {
    return this.#waiters.wait(() => this.#requestCount >= count, `${count} requests`);
  }

  whenAborted(count: number): Promise<void> {
    return this.#waiters.wait(() => this.#abortedCount >= count, `${count} aborted requests`);
  }

  whenQueued(count: number): Promise<void> {
    return this.#waiters.wait(() => this.queuedRequests >= count, `${count} waiting requests`);
  }

  whenIdle(): Promise<void> {
    return this.#waiters.wait(() => this.#openRequests === 0, 'an idle moment');
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
    void this.#listener.stop();
  }

  heal(): Promise<void> {
    this.#refusing = false;
    this.#faults.heal();
    if (this.#listener.isListening || this.#closed) return Promise.resolve();
    this.#healing ??= this.#listener
      .stop()
      .then(() => this.listen(this.port))
      .then(() => {
        // It may have been told to refuse again in the meantime.
        if (this.#refusing) void this.#listener.stop();
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

  setCapacity(capacity: UpstreamCapacity | undefined): void {
    this.#gate.set(capacity);
  }

  setRateLimit(rateLimit: UpstreamRateLimitSetting | undefined): void {
    this.#rateLimit = rateLimit;
  }

  acceptKey(key: string): void {
    this.#keys.accept(key);
  }

  revokeKey(key: string): void {
    this.#keys.revoke(key);
  }

  limitKey(key: string, limit: UpstreamKeyLimit | undefined): void {
    this.#keys.limit(key, limit);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiters.close();
    await this.#healing?.catch(() => undefined);
    await this.#listener.stop();
    this.#waiters.rejectAll();
  }

  listen(port: number): Promise<void> {
    return this.#listener.listen(port);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    const { socket } = incoming;
    const reusedConnection = this.#used.has(socket);
    this.#used.add(socket);
    this.#openRequests += 1;
    response.once('close', () => {
      this.#openRequests -= 1;
      if (!response.writableFinished && !this.#listener.hasBrokenOff(socket)) this.#abortedCount += 1;
      gone.abort();
      this.#waiters.notify();
    });
    const [path = '/', search = ''] = (incoming.url ?? '/').split('?', 2);
    const query = new URLSearchParams(search);
    const exchange: Exchange = {
      wire: this.#wire,
      incoming,
      response,
      gone: gone.signal,
      route: this.#wire.route(incoming.method ?? 'GET', path, query),
      query,
      identifier: this.#random.identifier(24),
      reusedConnection,
      breakOff: (ending) => {
        this.#listener.breakOff(socket, ending);
      },
    };
    try {
      await this.#answer(exchange);
    } catch (error) {
      if (gone.signal.aborted || response.headersSent) {
        exchange.breakOff('close');
      } else if (error instanceof UpstreamRefusal) {
        await sendProblem(exchange, error.problem);
      } else {
        // A script that throws: the test shall see it at the client.
        const message = error instanceof Error ? error.message : String(error);
        await sendProblem(exchange, {
          status: 500,
          message: `The upstream's script failed: ${message}`,
        });
      }
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { incoming, route } = exchange;
    const bytes = await readRequestBody(incoming);
    if (route === undefined) {
      throw new UpstreamRefusal({
        status: 404,
        message: `Invalid URL (${incoming.method ?? 'GET'} ${(incoming.url ?? '/').replace(/\?.*$/s, '')})`,
      });
    }
    const key = this.#wire.keyOf(incoming.headers, exchange.query);
    if (route.kind === 'models') {
      await this.#answerModels(exchange, key);
      return;
    }
    const body = parseRequestBody(bytes);
    const reading = {
      ...this.#wire.read(body ?? {}, route),
      ...(route.kind === 'embed' && route.model !== undefined ? { model: route.model } : {}),
    };
    const request = this.#record(reading, body ?? {}, key, exchange);
    const fault = this.#faults.take(request);
    if (await sendImmediateFault(exchange, fault)) return;
    if (fault?.kind === 'delay') await wait(fault.delayMs, exchange.gone);
    if (bytes === undefined) throw new UpstreamRefusal({ status: 413 });
    this.#checkKey(key);
    const use = this.#keys.use(key, performance.now());
    if (use?.retryAfterMs !== undefined) {
      await this.#turnAway(exchange, use.retryAfterMs, use.rateLimit);
      return;
    }
    if (body === undefined) throw new UpstreamRefusal(this.#wire.malformedBody());
    const entering = this.#gate.enter(exchange.gone);
    this.#waiters.notify();
    const entry = await entering;
    if (entry === 'full') {
      await sendImmediateFault(exchange, this.#gate.capacity?.whenFull ?? { kind: 'status', status: 503 });
      return;
    }
    if (entry === 'gone') return;
    exchange.response.once('close', () => {
      this.#gate.leave();
    });
    await this.#answerOne(exchange, route, { request, reading, body, fault, ofKey: use?.rateLimit });
  }

  async #answerModels(exchange: Exchange, key: string | undefined): Promise<void> {
    const fault = this.#faults.standing;
    if (await sendImmediateFault(exchange, fault)) return;
    if (fault?.kind === 'delay') await wait(fault.delayMs, exchange.gone);
    this.#checkKey(key);
    const list = this.#wire.listModels(this.#options.models ?? this.#wire.defaultModels);
    await sendDocument(exchange, list, fault, 0);
  }

  async #answerOne(exchange: Exchange, route: UpstreamRoute, admitted: Admitted): Promise<void> {
    const { request, reading, body, fault, ofKey } = admitted;
    if (isGone(exchange.gone)) return;
    if (fault?.kind === 'stream_error' && !reading.streamed) {
      await sendProblem(exchange, { status: 503 });
      return;
    }
    const limits = this.#limitHeaders(request, ofKey);
    if (route.kind === 'embed') {
      const document = this.#wire.embed?.(body);
      if (document === undefined) return;
      const headers = withRateLimit(document.headers, limits);
      await sendDocument(exchange, { ...document, headers }, fault, 0);
      return;
    }
    this.#wire.inspect(body, exchange.incoming.headers, route, this.#options.allowUnknownFields ?? false);
    this.#wire.inspectReading?.(body, reading);
    const reply = this.#reply?.(request) ?? defaultReply(reading);
    const random = this.#random;
    const answer = composeAnswer(reply, reading, body, exchange.identifier, random);
    const latency =
      typeof this.#latency === 'function' ? checkLatency(this.#latency(reading.model)) : this.#latency;
    if (reading.streamed) {
      const headers = withRateLimit(this.#wire.streamHeaders(answer, route), limits);
      await sendStream(exchange, { route, answer, headers, latency, fault, random });
      return;
    }
    const { completeMs } = planTimeline(latency, [], answer.usage.completionTokens, random);
    const document = this.#wire.document(answer);
    const headers = withRateLimit(document.headers, limits);
    const isOversized = fault?.kind === 'oversized' && fault.part !== 'header';
    const { body: sent } = isOversized ? this.#wire.document(withPlace(answer)) : document;
    await sendDocument(exchange, { ...document, headers, body: sent }, fault, completeMs);
  }

  #checkKey(key: string | undefined): void {
    if (!this.#keys.takes(key)) this.#wire.refuseKey(key);
  }

  /** For a key that has had its requests; the limits told are its own. */
  async #turnAway(exchange: Exchange, retryAfterMs: number, rateLimit: UpstreamRateLimit): Promise<void> {
    const limits = this.#wire.rateLimitHeaders?.(rateLimit, Date.now());
    const problem = { status: 429, retryAfterSeconds: Math.ceil(retryAfterMs / 1000) };
    await sendProblem(exchange, problem, (document) => ({
      ...document,
      headers: withRateLimit(document.headers, limits),
    }));
  }

  #limitHeaders(
    request: UpstreamRequest,
    ofKey: UpstreamRateLimit | undefined,
  ): Readonly<Record<string, string>> | undefined {
    const setting = this.#rateLimit;
    const limit = (typeof setting === 'function' ? setting(request) : setting) ?? ofKey;
    return limit === undefined ? undefined : this.#wire.rateLimitHeaders?.(limit, Date.now());
  }

  #record(
    reading: UpstreamReading,
    body: JsonRecord,
    key: string | undefined,
    exchange: Exchange,
  ): UpstreamRequest {
    this.#requestCount += 1;
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
      position: this.#requestCount,
      key,
      reusedConnection: exchange.reusedConnection,
    };
    this.#requests.push(request);
    // Cut seldom, not each time, so that a long run stays cheap.
    if (this.#requests.length >= this.#keepRequests * 2)
      this.#requests = this.#requests.slice(-this.#keepRequests);
    this.#waiters.notify();
    return request;
  }
}

/** A request that the upstream has begun to work on. */
interface Admitted {
  readonly request: UpstreamRequest;
  readonly reading: UpstreamReading;
  readonly body: JsonRecord;
  readonly fault: UpstreamRequestFault | undefined;
  readonly ofKey: UpstreamRateLimit | undefined;
}

function checkSetting(setting: UpstreamLatencySetting): UpstreamLatencySetting {
  return typeof setting === 'function' ? setting : checkLatency(setting);
}
