/** What differs on the wire between the makers whose models Bedrock serves. */
export interface BedrockModelTraits {
  readonly isClaude: boolean;
  readonly isNova: boolean;
  /** How much it thinks is asked for by `reasoningConfig` (Nova 2). */
  readonly isThinkingNova: boolean;
  /** OpenAI's open weights, which take `reasoning_effort`. */
  readonly isGptOss: boolean;
  /** Takes `cachePoint` blocks in messages and system; a model that does not refuses them with a 400. */
  readonly takesCachePoints: boolean;
  /** Takes them among the tools too. */
  readonly takesToolCachePoints: boolean;
}

/**
 * Reads the maker out of the model id, of an inference profile (`us.anthropic.claude-sonnet-4-5-20250929-v1:0`), or of
 * the ARN of either. The ARN of an application inference profile or of provisioned throughput says nothing of its
 * model, which is then sent what every model takes.
 */
export function bedrockModelTraits(modelId: string): BedrockModelTraits {
  const isClaude = modelId.includes('anthropic.claude-');
  const isNova = modelId.includes('amazon.nova-');
  return {
    isClaude,
    isNova,
    isThinkingNova: modelId.includes('amazon.nova-2-'),
    isGptOss: modelId.includes('openai.gpt-oss-'),
    takesCachePoints: isNova || (isClaude && !/claude-(?:v\d|instant|3-(?:haiku|opus|sonnet))/.test(modelId)),
    takesToolCachePoints: isClaude && !/claude-(?:v\d|instant|3-(?:haiku|opus|sonnet))/.test(modelId),
  };
}
