import type { BedrockRequest } from './bedrock-wire.js';

/** More cache points in a request are refused (Bedrock's user guide, "Prompt caching"). */
const MAX_CACHE_POINTS = 4;

/** Leaves the last four cache points, as on Anthropic's own wire: they cover what the earlier ones did. */
export function withinCacheLimit(request: BedrockRequest): BedrockRequest {
  const { toolConfig, system, messages } = request;
  const blocks = [toolConfig?.tools ?? [], system ?? [], ...messages.map(({ content }) => content)].flat();
  let surplus = blocks.filter(isCachePoint).length - MAX_CACHE_POINTS;
  if (surplus <= 0) return request;

  const isKept = (block: object): boolean => {
    if (!isCachePoint(block) || surplus <= 0) return true;
    surplus -= 1;
    return false;
  };
  return {
    ...request,
    ...(toolConfig === undefined
      ? {}
      : { toolConfig: { ...toolConfig, tools: toolConfig.tools.filter(isKept) } }),
    ...(system === undefined ? {} : { system: system.filter(isKept) }),
    messages: messages.map((message) =>
      message.role === 'user'
        ? { ...message, content: message.content.filter(isKept) }
        : { ...message, content: message.content.filter(isKept) },
    ),
  };
}

const isCachePoint = (block: object): boolean => 'cachePoint' in block;
