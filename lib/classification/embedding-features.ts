import { estimateTokens, type ValidatedEmbeddingRequest } from '../chat/index.js';
import type { RequestFeatures } from './request-features.js';

/** What planning needs to know of an embeddings request. */
export interface EmbeddingFeatures extends RequestFeatures {
  /** A window holds one input, not all of them. */
  readonly longestInputTokens: number;
}

/** Reads the features off a validated embeddings request. Tokens are estimated where texts were given. */
export function extractEmbeddingFeatures(request: ValidatedEmbeddingRequest): EmbeddingFeatures {
  let inputTokens = 0;
  let longestInputTokens = 0;
  for (const entry of request.input) {
    const tokens = typeof entry === 'string' ? estimateTokens(entry) : entry.length;
    inputTokens += tokens;
    longestInputTokens = Math.max(longestInputTokens, tokens);
  }
  return {
    inputTokens,
    thinkingTokens: 0,
    longestInputTokens,
    requestedOutputTokens: undefined,
    choices: 1,
    streamed: false,
    capabilities: ['embeddings'],
    parameters: [],
    questionText: '',
    questionCharacters: 0,
    asksThinking: false,
    marksCache: false,
    messageCount: 0,
    toolCount: 0,
  };
}
