// Every call that reaches an upstream of this process, and when it ended: Node itself tells of them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { wishesOf } from './spoken.mjs';

const CHANNEL = 'http.server.request.start';

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
    subscribe(CHANNEL, this.#onStart);
  }

  /** @returns {Call[]} all so far */
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

  close() {
    unsubscribe(CHANNEL, this.#onStart);
  }
}
