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
export { checkDepth } from './check-depth.js';
export { estimateTokens } from './estimate-tokens.js';
export { bodyTooLarge, parseJsonBody } from './parse-json-body.js';
export { addUsage, NO_USAGE } from './token-usage.js';
export { validateChatRequest } from './validate-chat-request.js';
