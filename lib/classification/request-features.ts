import type { ModelCapability } from '../catalog/catalog-model.js';
import type { RequestParameter } from '../catalog/index.js';
import { estimateTokens, usedParameters, type ValidatedChatRequest } from '../chat/index.js';

/** An image's share of the context: OpenAI bills a 1024 x 1024 picture at 765 tokens, the others at 258 to 1,600. */
const TOKENS_PER_IMAGE = 1_000;
/** Documents and audio arrive as base64; what they cost in tokens is known only afterwards. */
const BASE64_CHARACTERS_PER_TOKEN = 40;
const MESSAGE_OVERHEAD_TOKENS = 4;
/** What of a long question is read: its beginning, where the task mostly stands, and its end. */
const READ_CHARACTERS = 4_096;

/** What planning and classification need to know of a request; made once, in bounded time. */
export interface RequestFeatures {
  /** Prompt tokens, estimated. */
  readonly inputTokens: number;
  /**
   * Thinking of earlier turns that goes along, estimated: the client's own, and what the router puts back. Only some
   * deployments are sent it; {@link inputTokens} is without.
   */
  readonly thinkingTokens: number;
  /** The client's own limit on the answer; undefined: none given. */
  readonly requestedOutputTokens: number | undefined;
  /** The client's `n`. */
  readonly choices: number;
  readonly streamed: boolean;
  /** What a model must be able to do. */
  readonly capabilities: readonly ModelCapability[];
  /** What of it not every provider can do. */
  readonly parameters: readonly RequestParameter[];
  /** The last user turn, bounded. Prompt text: must enter no plan and no record. */
  readonly questionText: string;
  readonly questionCharacters: number;
  /** The client wants thinking (`reasoning_effort` above `none`). */
  readonly asksThinking: boolean;
  /** Parts of the prompt, or tools, carry a `cache_control`: the provider is to keep what comes before it. */
  readonly marksCache: boolean;
  readonly messageCount: number;
  readonly toolCount: number;
}

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly input_audio?: { readonly data: string };
  readonly file?: { readonly file_data?: string };
  readonly cache_control?: unknown;
}

function partsOf(content: unknown): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? (content as Part[]) : [];
}

function tokensOfPart(part: Part): number {
  switch (part.type) {
    case 'image_url':
      return TOKENS_PER_IMAGE;
    case 'input_audio':
      return Math.ceil((part.input_audio?.data.length ?? 0) / BASE64_CHARACTERS_PER_TOKEN);
    case 'file':
      return Math.ceil((part.file?.file_data?.length ?? 0) / BASE64_CHARACTERS_PER_TOKEN);
    default:
      return estimateTokens(part.text ?? part.refusal ?? '');
  }
}

/** What providers add to an assistant message, and clients may send back. */
interface Thinking {
  readonly reasoning_content?: unknown;
  readonly reasoning_details?: unknown;
  readonly reasoning?: unknown;
}

/** The same thinking may stand there twice, with its signature and without: the longer counts. */
function tokensOfThinking(message: object): number {
  const { reasoning_content: text, reasoning, reasoning_details: details }: Thinking = message;
  const inTexts = [text, reasoning].map((value) => (typeof value === 'string' ? estimateTokens(value) : 0));
  return Math.max(...inTexts, Array.isArray(details) ? estimateTokens(JSON.stringify(details)) : 0);
}

/** Clients that know Anthropic put its cache marks into parts and tools. */
function isMarked(value: { readonly cache_control?: unknown }): boolean {
  return typeof value.cache_control === 'object' && value.cache_control !== null;
}

function bounded(text: string): string {
  return text.length <= 2 * READ_CHARACTERS
    ? text
    : `${text.slice(0, READ_CHARACTERS)}\n${text.slice(-READ_CHARACTERS)}`;
}

interface OlderFields {
  readonly max_tokens?: number | null;
  readonly functions?: readonly object[] | null;
}

interface OlderMessage {
  readonly function_call?: { readonly arguments: string } | null;
}

/**
 * Reads the features off a validated request.
 *
 * @param recalledThinkingTokens - Of what the client lost, and the router puts back.
 */
export function extractFeatures(request: ValidatedChatRequest, recalledThinkingTokens = 0): RequestFeatures {
  const capabilities = new Set<ModelCapability>();
  let inputTokens = 0;
  let thinkingTokens = recalledThinkingTokens;
  let question: readonly Part[] = [];
  let marksCache = false;
  for (const message of request.messages) {
    const parts = partsOf(message.content);
    inputTokens += MESSAGE_OVERHEAD_TOKENS;
    for (const part of parts) {
      inputTokens += tokensOfPart(part);
      marksCache ||= isMarked(part);
      if (part.type === 'image_url') capabilities.add('vision');
      else if (part.type === 'input_audio') capabilities.add('audio');
      else if (part.type === 'file') capabilities.add('documents');
    }
    if (message.role === 'assistant') thinkingTokens += tokensOfThinking(message);
    if (message.role === 'assistant' && message.tool_calls) {
      for (const call of message.tool_calls) {
        inputTokens +=
          estimateTokens(call.type === 'custom' ? call.custom.input : call.function.arguments) + 8;
      }
    }
    if (message.role === 'assistant') {
      inputTokens += estimateTokens((message as OlderMessage).function_call?.arguments ?? '');
    }
    if (message.role === 'user') question = parts;
  }
  // Deprecated, and what many clients go on sending.
  const olderFields: OlderFields = request;
  const tools = [...(request.tools ?? []), ...(olderFields.functions ?? [])];
  if (tools.length > 0) {
    capabilities.add('tools');
    inputTokens += estimateTokens(JSON.stringify(tools));
  }
  if (request.prediction) inputTokens += estimateTokens(JSON.stringify(request.prediction));
  if (request.response_format?.type === 'json_schema') {
    capabilities.add('json_schema');
    inputTokens += estimateTokens(JSON.stringify(request.response_format));
  }
  if (request.logprobs === true) capabilities.add('logprobs');
  if (request.stream === true) capabilities.add('streaming');

  const texts = question.map((part) => part.text ?? '');
  return {
    inputTokens,
    thinkingTokens,
    requestedOutputTokens: request.max_completion_tokens ?? olderFields.max_tokens ?? undefined,
    choices: request.n ?? 1,
    streamed: request.stream === true,
    capabilities: [...capabilities],
    parameters: usedParameters(request),
    questionText: bounded(texts.length === 1 ? (texts[0] ?? '') : texts.map(bounded).join('\n')),
    questionCharacters: texts.reduce((sum, text) => sum + text.length, 0),
    asksThinking: (request.reasoning_effort ?? 'none') !== 'none',
    marksCache: marksCache || tools.some(isMarked),
    messageCount: request.messages.length,
    toolCount: tools.length,
  };
}
