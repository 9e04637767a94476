/**
 * What a model can do beyond plain text in and out.
 *
 * @publicApi
 */
export type ModelCapability =
  | 'streaming'
  | 'tools'
  | 'json_schema'
  | 'vision'
  | 'documents'
  | 'audio'
  | 'reasoning'
  | 'logprobs'
  | 'embeddings';

export const MODEL_CAPABILITIES = [
  'streaming',
  'tools',
  'json_schema',
  'vision',
  'documents',
  'audio',
  'reasoning',
  'logprobs',
  'embeddings',
] as const satisfies readonly ModelCapability[];

/**
 * US dollars per million tokens.
 *
 * @publicApi
 */
export interface ModelPrice {
  readonly inputPer1M: number;
  readonly outputPer1M: number;
  /** Price of prompt tokens read from the provider's cache. Defaults to `inputPer1M`. */
  readonly cachedInputPer1M?: number;
  /** Price of prompt tokens written to the provider's cache. Defaults to `inputPer1M`. */
  readonly cacheWritePer1M?: number;
}

/** The wire formats the catalogue's models are natively served over. */
export type CatalogApi = 'openai' | 'anthropic' | 'gemini';

/** A public rating: Bradley-Terry on the Elo scale, with its 95 % bounds. */
export interface ModelRating {
  /** The entry's name in the source. */
  readonly entry: string;
  readonly rating: number;
  readonly lower: number;
  readonly upper: number;
}

/** Facts about one model. */
export interface CatalogModel {
  /** The name the provider's API takes, and the name rules use. */
  readonly name: string;
  readonly family: string;
  /**
   * The wire format its maker serves it over; undefined for open models, which have no home API and need a
   * provider named in the configuration.
   */
  readonly api: CatalogApi | undefined;
  readonly releaseDate: string;
  readonly deprecated?: boolean;
  readonly price: ModelPrice | undefined;
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  readonly capabilities: readonly ModelCapability[];
  /**
   * A model with `reasoning` that thinks only when the request asks for it (`reasoning_effort`), and otherwise
   * answers as fast as any.
   */
  readonly thinksOnRequest?: boolean;
  readonly rating: ModelRating | undefined;
  /** False: the model always binds, nothing may stand in for it. Defaults to true. */
  readonly substitutable?: boolean;
}
