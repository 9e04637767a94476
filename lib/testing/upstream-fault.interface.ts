/** Nobody listens: connections are refused, open ones are destroyed. */
export interface RefusedFault {
  readonly kind: 'refused';
}

/**
 * How an error answer says when to come back. What the provider would say otherwise of it is left out, so that there is
 * this one sign and no other.
 *
 * - `seconds`: `Retry-After` in seconds, with a fraction where the number has one;
 * - `http_date`: `Retry-After` as a date, so many seconds from now; less than 0 for a date that has passed;
 * - `milliseconds`: OpenAI's and Azure's `retry-after-ms`;
 * - `retry_info`: Google's `RetryInfo` among the details of the error in the body;
 * - `reset_header`: the headers in which the provider tells of its limits: `x-ratelimit-reset-requests`,
 *   `anthropic-ratelimit-requests-reset`; Gemini has none, and says nothing;
 * - `text`: `Retry-After` with that text, whatever it is;
 * - `none`: nothing at all.
 */
export type UpstreamRetryAfter =
  | {
      readonly as: 'seconds' | 'http_date' | 'milliseconds' | 'retry_info' | 'reset_header';
      readonly seconds: number;
    }
  | { readonly as: 'text'; readonly text: string }
  | { readonly as: 'none' };

/** An error answer in the provider's own shape for this status. */
export interface StatusFault {
  readonly kind: 'status';
  readonly status: number;
  /** Sent as the `Retry-After` header, and where the provider has one in the body as well. */
  readonly retryAfterSeconds?: number;
  /** In one form alone, in place of `retryAfterSeconds`. */
  readonly retryAfter?: UpstreamRetryAfter;
}

/** The upstream takes the request and then never goes on, until the client leaves or the upstream is closed. */
export interface StalledFault {
  readonly kind: 'stalled';
  /**
   * How far it comes: nothing at all; the headers; or the first piece of content (half of the body where the answer
   * is not streamed).
   *
   * @defaultValue `request`
   */
  readonly after?: 'request' | 'headers' | 'first_token';
}

/**
 * How an answer is broken off: `close` closes the connection; `reset` resets it (TCP RST: what was sent just before may be
 * lost on the way); `clean` ends the body as if it were whole, and leaves the connection open.
 */
export type CutEnding = 'close' | 'reset' | 'clean';

/** The answer breaks off in the middle. */
export interface CutFault {
  readonly kind: 'cut';
  /**
   * So many pieces of content are sent before. An answer shorter than that loses its end, and one that is not streamed
   * breaks off after half of its body.
   *
   * @defaultValue 1
   */
  readonly afterChunks?: number;
  /**
   * In place of `afterChunks`: so many bytes of the body are sent before. An answer shorter than that loses its last byte.
   */
  readonly afterBytes?: number;
  /** @defaultValue `close` */
  readonly ending?: CutEnding;
}

/** A stream that began with status 200 ends in the provider's error event. Not streamed: a plain error answer. */
export interface StreamErrorFault {
  readonly kind: 'stream_error';
  /** So many pieces of content are sent before; 0 makes the error the first content event. */
  readonly afterChunks: number;
}

/** The headers come only after so long; the answer itself is right. */
export interface DelayFault {
  readonly kind: 'delay';
  readonly delayMs: number;
}

/** The answer is right, and comes so slowly that it takes for ever; no single pause is long. */
export interface DripFault {
  readonly kind: 'drip';
  /** The pause before each piece. */
  readonly everyMs: number;
  /**
   * How many bytes are sent at a time.
   *
   * @defaultValue a piece of content of a stream; 1 where the answer is not streamed
   */
  readonly bytes?: number;
}

/** What should be JSON is none: the body, or one line of a stream, which then goes on as if nothing were wrong. */
export interface MalformedFault {
  readonly kind: 'malformed';
  /**
   * So many pieces of content of a stream are sent before; in a shorter one it is what comes after the last.
   *
   * @defaultValue 0
   */
  readonly afterChunks?: number;
}

/** The status is 200, but the body is the provider's error document; so also where a stream was asked for. */
export interface ErrorInSuccessFault {
  readonly kind: 'error_in_200';
  /** The status whose error the document tells. @defaultValue 500 */
  readonly status?: number;
}

/** The answer is right, but its `Content-Type` is not. */
export interface ContentTypeFault {
  readonly kind: 'content_type';
  /** @defaultValue `text/plain` */
  readonly contentType?: string;
}

/** A page for people in place of an answer, as proxies and portals send it. */
export interface HtmlFault {
  readonly kind: 'html';
  /** @defaultValue 200 */
  readonly status?: number;
}

/** Far more than any answer has. It is made as it is sent, and takes no memory here. */
export interface OversizedFault {
  readonly kind: 'oversized';
  /**
   * What is too large: the whole body, of a stream its many pieces together; one line of a stream, elsewhere the same as
   * `body`; or one header.
   *
   * @defaultValue `body`
   */
  readonly part?: 'body' | 'line' | 'header';
  /** How large it is at least. @defaultValue 300 MiB; 256 KiB for a header */
  readonly bytes?: number;
}

/** The connection is reset when the request has arrived; no byte is answered. */
export interface ResetFault {
  readonly kind: 'reset';
  /**
   * On which connections. `reused` is a kept-alive connection that goes away under the next request; a request on a fresh
   * one is then answered as usual, but the fault is used up all the same.
   *
   * @defaultValue `any`
   */
  readonly connection?: 'any' | 'reused' | 'fresh';
}

/** Every fault that can be applied to single requests. */
export type UpstreamRequestFault =
  | StatusFault
  | StalledFault
  | CutFault
  | StreamErrorFault
  | DelayFault
  | DripFault
  | MalformedFault
  | ErrorInSuccessFault
  | ContentTypeFault
  | HtmlFault
  | OversizedFault
  | ResetFault;

/** Every way an upstream can be made to fail. */
export type UpstreamFault = RefusedFault | UpstreamRequestFault;
