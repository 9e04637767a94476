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

/** Whether a model that declares these makes vectors and answers no chat. */
export function isEmbeddingModel(
  capabilities: ReadonlySet<ModelCapability> | readonly ModelCapability[],
): boolean {
  // Asked on the way of every request: nothing is copied.
  return 'size' in capabilities
    ? capabilities.size === 1 && capabilities.has('embeddings')
    : capabilities.length === 1 && capabilities[0] === 'embeddings';
}

/**
 * What prompts over a length cost, in US dollars per million tokens.
 *
 * @publicApi
 */
export interface LongContextPrice {
  /** Prompts of more tokens than this, cached ones included, pay this price: for the whole request. */
  readonly aboveInputTokens: number;
  readonly inputPer1M: number;
  readonly outputPer1M: number;
  /** Defaults to this step's `inputPer1M`. */
  readonly cachedInputPer1M?: number;
  /** Defaults to this step's `inputPer1M`. */
  readonly cacheWritePer1M?: number;
}

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
  /** Steps for long prompts, the lowest first. */
  readonly longContext?: readonly LongContextPrice[];
}

/** The wire formats the catalogue's models are natively served over. */
export type CatalogApi = 'openai' | 'anthropic' | 'gemini';

/** Who makes a model, as models.dev names the maker's own API; `amazon` and `meta` have another name there. */
export type ModelMaker =
  | 'openai'
  | 'anthropic'
  | 'google'
  | 'mistral'
  | 'deepseek'
  | 'xai'
  | 'alibaba'
  | 'moonshotai'
  | 'zai'
  | 'minimax'
  | 'cohere'
  | 'amazon'
  | 'perplexity'
  | 'meta';

/**
 * A kind of task that the arena rates apart.
 *
 * @publicApi
 */
export type TaskKind = 'hard_prompts' | 'coding' | 'math';

export const TASK_KINDS = ['hard_prompts', 'coding', 'math'] as const satisfies readonly TaskKind[];

/** Bradley-Terry on the Elo scale, with its 95 % bounds. */
export interface TaskRating {
  readonly rating: number;
  readonly lower: number;
  readonly upper: number;
}

/** A public rating: over all tasks, and by kind of task. */
export interface ModelRating extends TaskRating {
  /** The entry's name in the source. */
  readonly entry: string;
  readonly byTask?: Readonly<Partial<Record<TaskKind, TaskRating>>>;
}

/** Facts about one model. */
export interface CatalogModel {
  /** The name its maker's API takes, and the name rules use. */
  readonly name: string;
  readonly family: string;
  readonly maker: ModelMaker;
  /**
   * The wire format its maker serves it over, where the router has an adapter of that name; undefined for all others,
   * which need a provider named in the configuration.
   */
  readonly api: CatalogApi | undefined;
  /**
   * The entry of models.dev the facts are of, `provider/id`, where it is not the maker's of this name; `hosts` for what
   * only others than the maker serve: such a model has no price here, and what most of them give otherwise.
   */
  readonly source?: string;
  readonly releaseDate: string;
  readonly deprecated?: boolean;
  /** Anyone may host it, at a price of their own: the price here is the maker's. */
  readonly openWeights?: boolean;
  readonly price: ModelPrice | undefined;
  readonly contextWindow: number;
  /** Undefined for embeddings. */
  readonly maxOutputTokens: number | undefined;
  /** `embeddings` alone: it makes vectors, and answers no chat. */
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
