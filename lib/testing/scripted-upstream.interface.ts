import type { IncomingHttpHeaders } from 'node:http';
import type { UpstreamFault, UpstreamRequestFault } from './upstream-fault.interface.js';
import type { UpstreamCapacity, UpstreamKeyLimit, UpstreamRateLimit } from './upstream-limits.interface.js';

/** The wire format an upstream speaks. `openai` also stands for every OpenAI-compatible server. */
export type UpstreamApi = 'openai' | 'azure-openai' | 'anthropic' | 'gemini';

/** What a client demanded about tools, in one form for all wires. */
export type UpstreamToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** One request to generate an answer, as it reached the upstream. */
export interface UpstreamRequest {
  readonly api: UpstreamApi;
  /** The model's name as the client wrote it: in the body, or in the path for Gemini and Azure's dated versions. */
  readonly model: string;
  readonly streamed: boolean;
  /** The names of the functions offered, in their order. */
  readonly tools: readonly string[];
  /** Undefined where the client said nothing of it. */
  readonly toolChoice: UpstreamToolChoice | undefined;
  /** The text of the newest user message; a tool result is none. */
  readonly lastUserText: string;
  /** `json` where the client asked for a JSON answer, with a schema or without. */
  readonly outputFormat: 'text' | 'json';
  /** The client's limit on the answer, in tokens. */
  readonly maxOutputTokens: number | undefined;
  /** As received, keys included: this is a testing kit. Do not log them. */
  readonly headers: IncomingHttpHeaders;
  /** The parsed body; empty where the body was not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  /** When the whole request had arrived, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** 1 for the first request for an answer since the start. */
  readonly position: number;
  /** The key it carries, wherever the provider wants it. */
  readonly key: string | undefined;
  /** Whether its connection has carried a request before. */
  readonly reusedConnection: boolean;
}

/** Token counts to be reported in place of the estimate. */
export interface UpstreamUsage {
  /** All tokens of the prompt, the cached ones included. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** @defaultValue 0 */
  readonly cachedTokens?: number;
}

/** What the model is made to say. */
export interface UpstreamReply {
  /** @defaultValue the empty string */
  readonly text?: string;
  /**
   * What the model thinks before it answers. Told, and signed, on the Anthropic wire where the request switches thinking
   * on; other wires leave it out.
   */
  readonly thinking?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
  /** @defaultValue `stop`, told as a tool call by the wires that do so where there is one */
  readonly finish?: 'stop' | 'length' | 'content_filter';
  /** @defaultValue estimated: a token for every four characters, rounded up */
  readonly usage?: UpstreamUsage;
}

/** Writes the reply to a request. `undefined` leaves it to the default reply. */
export type UpstreamScript = (request: UpstreamRequest) => UpstreamReply | undefined;

/** How long a model takes. An answer that is not streamed takes as long as its stream would have. */
export interface UpstreamLatency {
  /** From the end of the request to the first piece of the answer, in milliseconds. */
  readonly timeToFirstTokenMs: number;
  /** How fast the answer goes on from there; `Infinity` for all at once. */
  readonly tokensPerSecond: number;
  /**
   * The deviation of the logarithm of a log-normal factor on both: 0.2 keeps two thirds of the answers within about
   * a fifth of the value.
   *
   * @defaultValue 0
   */
  readonly jitter?: number;
}

/** A latency for all models, or one for each by its name. */
export type UpstreamLatencySetting = UpstreamLatency | ((model: string) => UpstreamLatency);

/** Says how a request fails. `undefined` leaves it to what else is scripted. */
export type UpstreamFaultScript = (request: UpstreamRequest) => UpstreamRequestFault | undefined;

/** The same for all answers, or one for each request; `undefined` leaves it to what the provider usually says. */
export type UpstreamRateLimitSetting =
  UpstreamRateLimit | ((request: UpstreamRequest) => UpstreamRateLimit | undefined);

/** What a scripted upstream is made of. */
export interface ScriptedUpstreamOptions {
  readonly api: UpstreamApi;
  /** @defaultValue a short simulated text; the tool, or the JSON, that the request insists on */
  readonly reply?: UpstreamScript;
  /** @defaultValue none: answers come at once */
  readonly latency?: UpstreamLatencySetting;
  /** Seeds ids and jitter. @defaultValue 1 */
  readonly seed?: number;
  /** Any other key, or none, is refused as the provider does. @defaultValue none is asked for */
  readonly requireKey?: string;
  /** As `requireKey`, where any of several will do. */
  readonly requireKeys?: readonly string[];
  /** @defaultValue none: all requests are served at once */
  readonly capacity?: UpstreamCapacity;
  /** What answers tell of the account's limits; not on Gemini, which tells nothing. @defaultValue plenty is left */
  readonly rateLimit?: UpstreamRateLimitSetting;
  /** @defaultValue 0: chosen by the system */
  readonly port?: number;
  /** The names in the list of models. Requests may name any other. */
  readonly models?: readonly string[];
  /**
   * Members at the top of the body that the provider does not know are refused, as the real ones do; many
   * OpenAI-compatible servers let them pass.
   *
   * @defaultValue false
   */
  readonly allowUnknownFields?: boolean;
  /** How many requests are kept for looking at; the oldest go first. @defaultValue 10,000 */
  readonly keepRequests?: number;
}

/**
 * A local server that speaks a provider's wire format and fails on demand.
 *
 * Faults may be scripted in several ways at a time. Where more than one holds for a request, the more particular wins:
 * `failNext`, then `failRequest`, `setFaults`, `failEvery`, `failShare`, and last `failAlways`. Each request for an answer
 * counts for all of them, whichever wins. `heal` ends them all.
 */
export interface ScriptedUpstream {
  readonly api: UpstreamApi;
  readonly port: number;
  /** For example `http://127.0.0.1:40123`. */
  readonly origin: string;
  /** What a router is configured with: `origin` with `/v1` for OpenAI, `origin` itself for the others. */
  readonly baseUrl: string;
  /**
   * The newest requests for an answer, oldest first, those that were refused or failed included. Lists of models are
   * not among them.
   */
  readonly requests: readonly UpstreamRequest[];
  /** All requests for an answer since the start; never goes down. */
  readonly requestCount: number;
  /** Requests of any kind that are not ended now. */
  readonly openRequests: number;
  /** Requests that wait for their turn now; see `capacity`. */
  readonly queuedRequests: number;
  /** Requests whose client closed before the answer was complete. What the upstream itself broke off is not counted. */
  readonly abortedCount: number;
  /** Resolves when `requestCount` has reached the count; rejects when the upstream is closed before. */
  whenRequests(count: number): Promise<void>;
  /** Resolves when `abortedCount` has reached the count; rejects when the upstream is closed before. */
  whenAborted(count: number): Promise<void>;
  /** Resolves when so many requests wait for their turn; rejects when the upstream is closed before. */
  whenQueued(count: number): Promise<void>;
  /** Resolves when no request is open. */
  whenIdle(): Promise<void>;
  /**
   * Makes the next requests for an answer fail, then goes back to what was before. Calls queue up.
   *
   * @param times - how many requests; 1 by default
   */
  failNext(fault: UpstreamRequestFault, times?: number): void;
  /**
   * Makes one request fail: the third from now is `failRequest(3, fault)`.
   *
   * @param position - 1 for the next request for an answer
   * @throws RangeError for anything but a whole number from 1.
   */
  failRequest(position: number, fault: UpstreamRequestFault): void;
  /**
   * Asks the script about each request from now on; `undefined` ends that.
   *
   * @example
   * upstream.setFaults(({ model }) => (model === 'gpt-4o' ? { kind: 'stalled' } : undefined));
   */
  setFaults(script: UpstreamFaultScript | undefined): void;
  /**
   * Makes every so-manieth request from now on fail: each tenth is `failEvery(10, fault)`.
   *
   * @throws RangeError for anything but a whole number from 1.
   */
  failEvery(every: number, fault: UpstreamRequestFault): void;
  /**
   * Makes a share of the requests from now on fail: a tenth is `failShare(0.1, fault)`. Which ones is drawn by the
   * upstream's `seed`, the same in each run. Of several faults each gets an equal part of the share. Calls add up.
   *
   * @throws RangeError where all shares together are more than 1.
   */
  failShare(share: number, faults: UpstreamRequestFault | readonly UpstreamRequestFault[]): void;
  /** Makes every request fail until `heal`. A refusal holds from the moment this returns, until `heal`. */
  failAlways(fault: UpstreamFault): void;
  /** Ends all faults. Resolves when the upstream listens again, on the same port as before. */
  heal(): Promise<void>;
  /** For requests that come from now on. */
  setLatency(latency: UpstreamLatencySetting): void;
  /** For requests that come from now on; `undefined` goes back to the default reply. */
  setReply(reply: UpstreamScript | undefined): void;
  /** For requests that come from now on; `undefined` lifts the limit, and lets in what waits. */
  setCapacity(capacity: UpstreamCapacity | undefined): void;
  /** For requests that come from now on; `undefined` goes back to what the provider usually says. */
  setRateLimit(rateLimit: UpstreamRateLimitSetting | undefined): void;
  /** Takes this key from now on, also where it had been revoked. */
  acceptKey(key: string): void;
  /** Refuses this key from now on, as the provider refuses a wrong one. Requests that it has let in go on. */
  revokeKey(key: string): void;
  /**
   * Limits the requests of one key, and tells in its answers what is left; `undefined` lifts the limit.
   *
   * @example
   * upstream.limitKey('key-1', { requests: 10, windowMs: 1_000 });
   */
  limitKey(key: string, limit: UpstreamKeyLimit | undefined): void;
  /** Stops listening and destroys every connection. Resolves when nothing is left open. */
  close(): Promise<void>;
}
