import type { ModelCapability } from '../../catalog/catalog-model.js';
import type { Workload } from '../../context/llm-request-context.js';

/**
 * What a class's `matches` and a classifier of your own are given of a request.
 *
 * @publicApi
 */
export interface ClassificationInput {
  /** The surface's name; `none` where none is named. */
  readonly surface: string;
  readonly workload: Workload;
  readonly tenant: string | undefined;
  /** The last user turn; of one over 4,096 characters its beginning and its end. */
  readonly text: string;
  /** Characters of the whole last user turn. */
  readonly characters: number;
  /** Of `text`, as an ISO 639-1 code, by a rule of thumb; undefined: cannot be told. */
  readonly language: string | undefined;
  /** Names of the tools offered. */
  readonly tools: readonly string[];
  readonly messageCount: number;
  /** Of the whole prompt, estimated. */
  readonly inputTokens: number;
  readonly streamed: boolean;
  /** What a model must be able to do. */
  readonly capabilities: readonly ModelCapability[];
  /** How much the request needs a strong model, 0 to 1. */
  readonly score: number;
}

/**
 * What a classifier of your own says of a request.
 *
 * @publicApi
 */
export interface CustomClassification {
  /** A built-in class, or one that has a rule. */
  readonly class: string;
  /** @defaultValue that of the built-in scorer */
  readonly score?: number;
}

/**
 * A classifier of your own; undefined: it has no opinion, and the router's own decides. The signal aborts when its time
 * is over or the caller has left.
 *
 * @publicApi
 */
export type CustomClassifier = (
  input: ClassificationInput,
  call: { readonly signal: AbortSignal },
) => CustomClassification | undefined | Promise<CustomClassification | undefined>;
