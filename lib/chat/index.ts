export { keepWireText, wireTextOf } from './wire-text.js';
export { usedParameters } from './used-parameters.js';
export { type ChatLimits, DEFAULT_CHAT_LIMITS } from './chat-limits.js';
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessageParam,
  ChatRequest,
  CompletionUsage,
  TokenUsage,
  ValidatedChatRequest,
} from './chat-types.js';
export type { EmbeddingRequest, EmbeddingResponse, ValidatedEmbeddingRequest } from './embedding-types.js';
export { checkDepth } from './check-depth.js';
export { estimateTokens } from './estimate-tokens.js';
export { bodyTooLarge, parseJsonBody } from './parse-json-body.js';
export { addUsage, NO_USAGE } from './token-usage.js';
export { validateEmbeddingRequest } from './validate-embedding-request.js';
export { validateChatRequest } from './validate-chat-request.js';
