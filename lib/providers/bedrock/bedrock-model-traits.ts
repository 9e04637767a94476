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
  /** Takes `toolChoice.any`; a model that does not refuses it with a 400. */
  readonly takesAnyTool: boolean;
  /** Takes `toolChoice.tool`. */
  readonly takesNamedTool: boolean;
}

/**
 * Reads the maker out of the model id, of an inference profile (`us.anthropic.claude-sonnet-4-5-20250929-v1:0`), or of
 * the ARN of either. The ARN of an application inference profile or of provisioned throughput says nothing of its
 * model, which is then sent what every model takes, and the choice of tools that the client wants: most of them are
 * Claudes.
 *
 * A choice among tools: `any` by Claude, Nova and Mistral Large, `tool` by the first two (Amazon Bedrock API reference,
 * ToolChoice; Amazon Nova user guide, Choosing a tool). Others refuse both (strands-agents/harness-sdk#1241).
 */
export function bedrockModelTraits(modelId: string): BedrockModelTraits {
  const isClaude = modelId.includes('anthropic.claude-');
  const isNova = modelId.includes('amazon.nova-');
  const choosesNamed = isClaude || isNova || isNameless(modelId);
  return {
    isClaude,
    isNova,
    isThinkingNova: modelId.includes('amazon.nova-2-'),
    isGptOss: modelId.includes('openai.gpt-oss-'),
    takesCachePoints: isNova || (isClaude && !/claude-(?:v\d|instant|3-(?:haiku|opus|sonnet))/.test(modelId)),
    takesToolCachePoints: isClaude && !/claude-(?:v\d|instant|3-(?:haiku|opus|sonnet))/.test(modelId),
    takesAnyTool: choosesNamed || modelId.includes('mistral.mistral-large'),
    takesNamedTool: choosesNamed,
  };
}

/** An ARN that ends in a number of Amazon's: models' own ids have the maker's name before a dot. */
function isNameless(modelId: string): boolean {
  return modelId.startsWith('arn:') && !modelId.slice(modelId.lastIndexOf('/') + 1).includes('.');
}
