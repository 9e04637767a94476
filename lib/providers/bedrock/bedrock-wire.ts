import type { JsonObject } from '../json-reading.js';

/** Marks the end of a cached prefix; at most four a request. */
export interface CachePointBlock {
  readonly cachePoint: { readonly type: 'default'; readonly ttl?: '5m' | '1h' };
}

export interface TextBlock {
  readonly text: string;
}

export type BedrockImageFormat = 'png' | 'jpeg' | 'gif' | 'webp';

export interface ImageBlock {
  readonly image: { readonly format: BedrockImageFormat; readonly source: { readonly bytes: string } };
}

export type BedrockDocumentFormat = 'pdf' | 'csv' | 'doc' | 'docx' | 'xls' | 'xlsx' | 'html' | 'txt' | 'md';

export interface DocumentBlock {
  readonly document: {
    readonly format: BedrockDocumentFormat;
    /** Letters, digits, single white space, hyphens, round and square brackets; unlike every other of its request. */
    readonly name: string;
    /** Base64. */
    readonly source: { readonly bytes: string };
  };
}

export interface ToolUseBlock {
  readonly toolUse: { readonly toolUseId: string; readonly name: string; readonly input: JsonObject };
}

export interface ToolResultBlock {
  readonly toolResult: {
    readonly toolUseId: string;
    readonly content: readonly (TextBlock | ImageBlock | DocumentBlock)[];
  };
}

export interface ReasoningBlock {
  readonly reasoningContent:
    | { readonly reasoningText: { readonly text: string; readonly signature: string } }
    /** Base64. */
    | { readonly redactedContent: string };
}

export type ContentBlock = TextBlock | ImageBlock | DocumentBlock | CachePointBlock;
export type UserBlock = ContentBlock | ToolResultBlock;
export type AssistantBlock = TextBlock | ToolUseBlock | ReasoningBlock | CachePointBlock;
export type SystemBlock = TextBlock | CachePointBlock;

/** One turn of the conversation. */
export type BedrockMessage =
  | { readonly role: 'user'; readonly content: UserBlock[] }
  | { readonly role: 'assistant'; readonly content: AssistantBlock[] };

export interface ToolSpec {
  readonly toolSpec: {
    readonly name: string;
    readonly description?: string;
    readonly inputSchema: { readonly json: JsonObject };
  };
}

export type BedrockToolChoice =
  { readonly any: Record<string, never> } | { readonly tool: { readonly name: string } };

export interface BedrockToolConfig {
  readonly tools: readonly (ToolSpec | CachePointBlock)[];
  /** Absent: the model decides, as with `auto`. Not every model takes a choice. */
  readonly toolChoice?: BedrockToolChoice;
}

export interface BedrockInferenceConfig {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stopSequences?: readonly string[];
}

/** The body of `POST /model/{modelId}/converse` and of `converse-stream`, as far as we send it. */
export interface BedrockRequest {
  readonly messages: readonly BedrockMessage[];
  readonly system?: readonly SystemBlock[];
  readonly inferenceConfig?: BedrockInferenceConfig;
  readonly toolConfig?: BedrockToolConfig;
  /** In the words of the model's own maker. */
  readonly additionalModelRequestFields?: JsonObject;
  readonly outputConfig?: {
    readonly textFormat: {
      readonly type: 'json_schema';
      /** The schema is a JSON text. */
      readonly structure: { readonly jsonSchema: { readonly name: string; readonly schema: string } };
    };
  };
}
