// Every call of an upstream in this process: those that were sent, and of those that arrived, when they ended. Node and
// undici tell of them themselves.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { wishesOf } from './spoken.mjs';

const ARRIVED = 'http.server.request.start';
/** Of undici's, Node's own `fetch` included. */
const SENT = 'undici:request:create';
/** The answer is complete, or the call was ended from this side, or broke. */
const ENDED = ['undici:request:trailers', 'undici:request:error'];
const ID_IN_PROMPT = /\[id=([\w-]+)/;
/** For those who send a body that cannot be looked at. */
export const ID_HEADER = 'x-world-id';
const ID_IN_HEADERS = new RegExp(`${ID_HEADER}[:,]\\s*([\\w-]+)`, 'i');

/**
 * @typedef {object} Call
 * @property {string} provider
 * @property {string} id the request's
 * @property {number} receivedAt epoch milliseconds
 * @property {boolean} streamed
 * @property {boolean} isOpen
 * @property {number | undefined} closedAt epoch milliseconds
 * @property {number | undefined} status
 */

export class CallLog {
  #upstreams;
  /** By the headers object of the request: the scripted upstream hands out the very same. */
  #states = new WeakMap();
  /** @type {Map<string, { calls: Call[], seen: number }>} */
  #logs = new Map();
  /** @type {{ provider: string, id: string, sentAt: number, endedAt: number | undefined }[]} */
  #sent = [];
  #bySent = new WeakMap();
  #onSent = ({ request }) => {
    const provider = Object.keys(this.#upstreams).find(
      (name) => this.#upstreams[name].origin === request.origin,
    );
    if (provider === undefined) return;
    const { body } = request;
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? String(body) : '';
    const id = (ID_IN_PROMPT.exec(text) ?? ID_IN_HEADERS.exec(String(request.headers)))?.[1] ?? '?';
    const call = { provider, id, sentAt: Date.now(), endedAt: undefined };
    this.#sent.push(call);
    this.#bySent.set(request, call);
  };
  #onEnded = ({ request }) => {
    const call = this.#bySent.get(request);
    if (call !== undefined) call.endedAt ??= Date.now();
  };
  #onStart = ({ request, response }) => {
    const state = { closedAt: undefined, response };
    this.#states.set(request.headers, state);
    response.once('close', () => {
      state.closedAt = Date.now();
    });
  };

  /** @param {Record<string, import('nestjs-llm-router/testing').ScriptedUpstream>} upstreams by provider */
  constructor(upstreams) {
    this.#upstreams = upstreams;
    for (const provider of Object.keys(upstreams)) this.#logs.set(provider, { calls: [], seen: 0 });
    subscribe(ARRIVED, this.#onStart);
    subscribe(SENT, this.#onSent);
    for (const channel of ENDED) subscribe(channel, this.#onEnded);
  }

  /** How many calls of a request the caller has not ended. */
  runningOf(id) {
    return this.#sent.filter((call) => call.id === id && call.endedAt === undefined).length;
  }

  /** All that were sent, whether anybody listened or not. */
  sent() {
    return this.#sent;
  }

  /** @returns {Call[]} that arrived so far */
  calls() {
    const all = [];
    for (const [provider, upstream] of Object.entries(this.#upstreams)) {
      const log = this.#logs.get(provider);
      const fresh = upstream.requestCount - log.seen;
      if (fresh > 0) {
        for (const request of upstream.requests.slice(-fresh))
          log.calls.push(this.#callOf(provider, request));
        log.seen = upstream.requestCount;
      }
      all.push(...log.calls);
    }
    return all;
  }

  /** @returns {Call[]} */
  callsOf(id) {
    return this.calls().filter((call) => call.id === id);
  }

  #callOf(provider, request) {
    const state = this.#states.get(request.headers);
    return {
      provider,
      id: wishesOf(request.lastUserText).id,
      receivedAt: request.receivedAt,
      streamed: request.streamed,
      get isOpen() {
        return state.closedAt === undefined;
      },
      get closedAt() {
        return state.closedAt;
      },
      get status() {
        return state.response.headersSent ? state.response.statusCode : undefined;
      },
    };
  }

  /** As if nothing had come so far. */
  forget() {
    this.calls();
    for (const log of this.#logs.values()) log.calls = [];
    this.#sent = [];
  }

  close() {
    unsubscribe(ARRIVED, this.#onStart);
    unsubscribe(SENT, this.#onSent);
    for (const channel of ENDED) unsubscribe(channel, this.#onEnded);
  }
}
