import type { IncomingHttpHeaders } from 'node:http';
import type { JsonRecord } from './json-value.js';
import type { UpstreamRateLimit } from './upstream-limits.interface.js';
import type { UpstreamApi, UpstreamToolChoice, UpstreamUsage } from './scripted-upstream.interface.js';

/** What a path asks for. */
export type UpstreamRoute =
  | { readonly kind: 'models' }
  /** Vectors; the model where the path names it. */
  | { readonly kind: 'embed'; readonly model?: string }
  | {
      readonly kind: 'generate';
      /** Where the path names it (Gemini). */
      readonly model?: string;
      /** Where the path says it (Gemini). */
      readonly streamed?: boolean;
      /** False for Gemini's stream without `alt=sse`: one JSON array, sent in pieces. */
      readonly serverSentEvents: boolean;
      /** The path asks for what is not yet in everyone's hands (Anthropic's `?beta=true`). */
      readonly beta?: boolean;
    };

/** What a request insists on. */
export type OutputWish =
  | { readonly kind: 'text' }
  | { readonly kind: 'tool'; readonly name: string; readonly schema: unknown }
  | { readonly kind: 'json'; readonly schema: unknown };

/** What a wire reads out of a request. */
export interface UpstreamReading {
  readonly model: string;
  readonly streamed: boolean;
  readonly tools: readonly string[];
  readonly toolChoice: UpstreamToolChoice | undefined;
  readonly lastUserText: string;
  readonly maxOutputTokens: number | undefined;
  readonly wish: OutputWish;
  /** How many answers are wanted. */
  readonly choices: number;
  /** What the prompt's tokens are estimated from. */
  readonly prompt: unknown;
}

/** An answer that is ready to be written down in a wire's format. */
export interface UpstreamAnswer {
  /** Random letters and digits, from which a wire makes its ids. */
  readonly identifier: string;
  readonly createdSeconds: number;
  readonly model: string;
  readonly text: string;
  /** Empty: it does not think. */
  readonly thinking: string;
  readonly toolCalls: readonly {
    readonly identifier: string;
    readonly name: string;
    readonly arguments: JsonRecord;
  }[];
  readonly finish: 'stop' | 'length' | 'content_filter' | 'tool_calls';
  readonly usage: Required<UpstreamUsage>;
  readonly choices: number;
  readonly body: JsonRecord;
}

/** One write of a stream. */
export interface StreamPiece {
  readonly data: string;
  /** `content` is a piece of the answer itself; what comes before and after it is envelope. */
  readonly part: 'opening' | 'content' | 'closing';
  /** How much of the answer is in it, in characters. */
  readonly characters: number;
}

/** Something the provider refuses or fails at. */
export interface UpstreamProblem {
  readonly status: number;
  /** @defaultValue the provider's usual text for the status */
  readonly message?: string;
  /** OpenAI's `code`, Google's `reason`. */
  readonly code?: string;
  /** OpenAI's `param`. */
  readonly parameter?: string;
  readonly retryAfterSeconds?: number;
}

/** An answer that is sent whole. */
export interface UpstreamDocument {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Thrown while a request is looked through, for what the provider would refuse. */
export class UpstreamRefusal extends Error {
  override readonly name = 'UpstreamRefusal';

  constructor(readonly problem: UpstreamProblem) {
    super(problem.message ?? `Refused with status ${problem.status}`);
  }
}

/** A provider's wire format, seen from the provider's side. */
export interface UpstreamWire {
  readonly api: UpstreamApi;
  /** Added to the origin to make the base URL. */
  readonly basePath: string;
  readonly defaultModels: readonly string[];
  /** Undefined for a path that the provider does not have. */
  route(method: string, path: string, query: URLSearchParams): UpstreamRoute | undefined;
  /** The key that a request carries, wherever this provider wants it. */
  keyOf(headers: IncomingHttpHeaders, query: URLSearchParams): string | undefined;
  /** @throws UpstreamRefusal for a missing or wrong key. */
  refuseKey(key: string | undefined): never;
  /** The provider's words for a body that is no JSON object. */
  malformedBody(): UpstreamProblem;
  /** @throws UpstreamRefusal for what the provider would answer with an error. */
  inspect(
    body: JsonRecord,
    headers: IncomingHttpHeaders,
    route: UpstreamRoute,
    allowUnknownFields: boolean,
  ): void;
  read(body: JsonRecord, route: UpstreamRoute): UpstreamReading;
  /** @throws UpstreamRefusal for what depends on the model or the route. */
  inspectReading?(body: JsonRecord, reading: UpstreamReading): void;
  document(answer: UpstreamAnswer): UpstreamDocument;
  /** Vectors for a request of kind `embed`. @throws UpstreamRefusal for what the provider would refuse. */
  embed?(body: JsonRecord): UpstreamDocument;
  streamHeaders(answer: UpstreamAnswer, route: UpstreamRoute): Readonly<Record<string, string>>;
  stream(answer: UpstreamAnswer, route: UpstreamRoute): StreamPiece[];
  /** The headers that tell what is left of an account's limits; undefined where the provider tells nothing. */
  rateLimitHeaders?(limit: UpstreamRateLimit, nowMs: number): Readonly<Record<string, string>>;
  /** The error event of a stream that had begun. */
  streamError(route: UpstreamRoute): string;
  problem(problem: UpstreamProblem, identifier: string, route: UpstreamRoute | undefined): UpstreamDocument;
  listModels(names: readonly string[]): UpstreamDocument;
}
