import type { ModelMaker } from '../catalog-model.js';

/**
 * A provider that speaks OpenAI's wire format with habits of its own, by the name its `api` has in the configuration.
 *
 * @publicApi
 */
export type PresetName =
  | 'mistral'
  | 'groq'
  | 'deepseek'
  | 'xai'
  | 'openrouter'
  | 'together'
  | 'fireworks'
  | 'cerebras'
  | 'perplexity'
  | 'alibaba'
  | 'moonshot'
  | 'zai'
  | 'huggingface'
  | 'ollama'
  | 'vllm';

/**
 * A feature of OpenAI's request that a provider may lack, by OpenAI's name for the field; `custom_tools` are tools of type
 * `custom`, `audio_output` is `modalities` with `audio`.
 */
export type PresetParameter =
  | 'audio_output'
  | 'custom_tools'
  | 'frequency_penalty'
  | 'functions'
  | 'logit_bias'
  | 'logprobs'
  | 'n'
  | 'parallel_tool_calls'
  | 'presence_penalty'
  | 'seed'
  | 'stop'
  | 'temperature'
  | 'tools'
  | 'top_p'
  | 'verbosity'
  | 'web_search_options';

export type MessageRole = 'system' | 'user' | 'assistant' | 'tool';

/** How `reasoning_effort` is said to some models of a provider. */
export interface ReasoningEffortRule {
  /** The models, by their names at the provider. */
  readonly models: RegExp;
  /** Only to models that think: others of the same name refuse it. Defaults to false. */
  readonly thinkingOnly?: boolean;
  /**
   * By OpenAI's word: the provider's, the fields that say it in place of `reasoning_effort`, or null where nothing does
   * and it is left out. Words that are not here are sent as they are.
   */
  readonly words?: Readonly<Record<string, string | Readonly<Record<string, unknown>> | null>>;
}

/** What becomes of thinking where the client forces a tool call, at a provider whose thinking models refuse that. */
export interface ForcedToolChoiceRule {
  /** The models, by their names at the provider. */
  readonly models: RegExp;
  /** Only to models that think: others take a forced choice as it is. Defaults to false. */
  readonly thinkingOnly?: boolean;
  /** The fields that switch thinking off for this one request, or null where nothing does and the choice is refused. */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** How a provider's wire differs from OpenAI's own, on the way up. On the way down every answer is read tolerantly. */
export interface ProviderQuirks {
  /** The one field the output limit stands in. */
  readonly outputLimitField: 'max_tokens' | 'max_completion_tokens';
  /** `always`: a stream reports its usage unasked, and `stream_options` is not sent. */
  readonly streamUsage: 'option' | 'always';
  /** OpenAI's name of a field to the provider's. */
  readonly renamedFields: Readonly<Record<string, string>>;
  /** The same for requests of embeddings. Undefined: none. */
  readonly renamedEmbeddingFields?: Readonly<Record<string, string>>;
  /** Fields that are not sent: refused, and without any effect on the answer (storing, billing, caching, abuse tracking). */
  readonly omittedFields: readonly string[];
  /** The values of `service_tier` it takes; another is not sent. Undefined: any. */
  readonly serviceTiers?: readonly string[];
  /** Its word for `tool_choice: "required"`. */
  readonly toolChoiceRequired: 'required' | 'any';
  /**
   * For `tool_choice: "required"` and a tool by its name, the first rule that fits the model; where none does, and where
   * this is undefined, thinking and a forced choice go together.
   */
  readonly forcedToolChoice?: readonly ForcedToolChoiceRule[];
  /** What ids of tool calls may look like. Those of other providers' answers in the history are given such a form. */
  readonly toolCallIds: 'any' | 'nine_alphanumeric';
  /** Its word for the role `developer`. */
  readonly developerRole: 'developer' | 'system';
  /** The fields of messages it knows, where it refuses all others; undefined: it skips what it does not know. */
  readonly messageFields?: Readonly<Record<MessageRole, readonly string[]>>;
  /** The field that marks a final assistant turn as the beginning of the answer, where that wants a mark. */
  readonly finalAssistantMark?: 'prefix' | 'partial';
  /** Users' and assistant's turns have to take turns, and system messages to come first. */
  readonly alternatingTurns: boolean;
  /**
   * Whether the thinking of earlier turns is sent back: in fields of its own, as the first part of the content where the
   * model thinks, or never.
   */
  readonly replaysReasoning: 'in_fields' | 'as_part' | 'never';
  /** The fields of {@link replaysReasoning}. `reasoning_details` is sent as it came, but for Bedrock's. */
  readonly reasoningFields: readonly ('reasoning_content' | 'reasoning' | 'reasoning_details')[];
  /**
   * What stands for thinking that is lost (of another provider's answer, or by the client), where a thinking model
   * refuses a history without: in every assistant turn, or in those with tool calls.
   */
  readonly missingReasoning?: { readonly text: string; readonly turns: 'all' | 'tool_calls' };
  /** The first rule that fits the model; where none does, `reasoning_effort` is not sent. Undefined: sent as it is. */
  readonly reasoningEfforts?: readonly ReasoningEffortRule[];
  /** `json_object`: there is no `json_schema`; the schema goes into an instruction, and any JSON object is asked for. */
  readonly jsonSchema: 'native' | 'json_object';
  /** It reads Anthropic's `cache_control` on parts, messages and tools; left out elsewhere. */
  readonly cacheMarks: boolean;
}

/** The facts of one provider. */
export interface ProviderPreset {
  readonly name: PresetName;
  /** Where it is when the configuration does not say. */
  readonly baseUrl: string;
  /** Host names that are surely this provider's: an `openai-compatible` provider at one of them has these quirks too. */
  readonly hosts: readonly string[];
  readonly keyRequired: boolean;
  /** Whose own API it is: the catalogue's models of that maker are served there by their names. */
  readonly maker?: ModelMaker;
  readonly quirks: ProviderQuirks;
  /**
   * What it cannot do with any model. Planning sends requests that use it elsewhere (`logprobs` and `tools` by the
   * model's capabilities), and the conversion refuses what comes nevertheless.
   */
  readonly unsupportedParameters: readonly PresetParameter[];
  /** What it cannot do, besides, with a model that thinks. Values that change nothing are not sent. */
  readonly unsupportedWhenThinking: readonly PresetParameter[];
}
