import type { ChatCompletionMessageParam, ChatRequest } from '../chat/index.js';
import type { ProviderErrorKind } from '../errors/index.js';
import type { Outcome, Tier } from '../telemetry/index.js';
import type { UpstreamFault, UpstreamReply, UpstreamRequest } from '../testing/index.js';

/**
 * One call as it reached a model of {@link LlmRouterTesting}: what a script answers by.
 *
 * @publicApi
 */
export interface ScriptedRequest extends Pick<
  UpstreamRequest,
  'streamed' | 'tools' | 'toolChoice' | 'lastUserText' | 'outputFormat'
> {
  /** The model as the router names it. */
  readonly model: string;
  /** The provider as configured. */
  readonly provider: string;
  /** The model's name at the provider. */
  readonly upstreamModel: string;
  readonly messages: readonly ChatCompletionMessageParam[];
  /** The most tokens of the answer: the client's limit, lowered by what caps pay for. */
  readonly maxOutputTokens: number | undefined;
  /** The whole request, in OpenAI's shape. */
  readonly body: ChatRequest;
}

/**
 * One call of a model, and what came of it.
 *
 * @publicApi
 */
export interface ScriptedCall extends ScriptedRequest {
  /** The request it belongs to. */
  readonly decisionId: string;
  /** Position in the request, from 1. */
  readonly attempt: number;
  /** Undefined while the call is open, as all below. */
  readonly outcome: Outcome | undefined;
  readonly errorKind: ProviderErrorKind | undefined;
  readonly tier: Tier | undefined;
  /** The surface's name, or `none`. */
  readonly surface: string | undefined;
  readonly requestClass: string | undefined;
}

/**
 * What the model is made to say.
 *
 * @publicApi
 */
export interface ScriptedReply extends UpstreamReply {
  /** The answer as a value, in place of `text`: for requests that want JSON. */
  readonly json?: unknown;
  /** The text in the pieces a stream brings it in, in place of `text`. */
  readonly chunks?: readonly string[];
  /**
   * Real time before the answer, or before the first piece of a stream, in milliseconds.
   *
   * @defaultValue 0: no timer is used
   */
  readonly delayMs?: number;
}

/**
 * Writes the reply to a request. `undefined` leaves it to the next wider script, and at last to the default reply. What
 * it throws is told by {@link LlmRouterTesting.expectRouted}; the request itself ends with `internal_error`.
 *
 * @publicApi
 */
export type ReplyScript = (
  request: ScriptedRequest,
) => string | ScriptedReply | undefined | Promise<string | ScriptedReply | undefined>;

/**
 * A provider's failure, by the router's own word for it.
 *
 * @publicApi
 */
export interface ProviderFault {
  /**
   * `timeout` fails at once, as if the router's timer had gone off; `stalled` ({@link UpstreamFault}) waits for it.
   * `stream_cut` breaks a stream off after its first piece.
   */
  readonly kind: ProviderErrorKind;
  /** @defaultValue what providers send for this kind */
  readonly status?: number;
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The provider's own code, where it gives one. */
  readonly providerCode?: string;
  /** The request field the provider names. */
  readonly param?: string;
  /** The provider's sentence. */
  readonly message?: string;
}

/**
 * How a call fails: a kind alone, a kind with its details, or a fault as scripted upstreams know it. What those do to
 * bytes and sockets comes here as what the router would make of it: `malformed` as `bad_response`, `reset` as
 * `connection`, and `content_type` as nothing, since the router does not mind it.
 *
 * @publicApi
 */
export type ScriptedFault = ProviderErrorKind | 'refused' | 'stalled' | ProviderFault | UpstreamFault;

/**
 * Says how calls are answered: all of them, those of one model, or those of one provider.
 *
 * The narrowest script holds: a model's, then its provider's, then that for all; in each, what was queued for the next
 * calls comes before what stands. An outage (`failAlways`) holds until `heal`, and uses up no queued reply.
 *
 * @publicApi
 */
export interface LlmScript {
  /** Answers every call from now on. */
  reply(reply: string | ScriptedReply | ReplyScript): void;
  /** Answers the next call. Replies and faults for next calls queue up in the order they were given. */
  replyNext(reply: string | ScriptedReply | ReplyScript): void;
  /**
   * Makes the next calls fail, then goes back to what was before.
   *
   * @param times - how many calls; 1 by default
   */
  failNext(fault: ScriptedFault, times?: number): void;
  /** Makes every call fail until `heal`. */
  failAlways(fault: ScriptedFault): void;
  /** Ends the faults given here; replies stay. */
  heal(): void;
}
