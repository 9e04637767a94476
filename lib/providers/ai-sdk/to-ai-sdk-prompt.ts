import type { LanguageModelV2Message, LanguageModelV3Message } from '@ai-sdk/provider';
import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { isJsonObject } from '../json-reading.js';
import { requireTextParts } from '../require-text-parts.js';
import { parseToolCallArguments } from '../tool-call-arguments.js';
import { toAiSdkFile, type MediaPart } from './to-ai-sdk-file.js';
import { toAiSdkReasoning, toCacheOptions, toSignatureOptions } from './to-ai-sdk-metadata.js';

/** The versions of the AI SDK's specification of a language model that are spoken here. */
export type AiSdkVersion = 'v2' | 'v3';

/** What of a model changes how it is asked. */
export interface AskedModel {
  readonly specificationVersion: AiSdkVersion;
  /** The provider's own name, such as `openai.chat`. */
  readonly provider: string;
  readonly modelId: string;
}

/** The two versions differ in what a tool's result may hold, and in nothing else of a prompt. */
export type AiSdkMessage = LanguageModelV2Message | LanguageModelV3Message;

type Content<Role extends string> = Extract<LanguageModelV3Message, { role: Role }>['content'];
type AssistantPart = Content<'assistant'>[number];
type ToolResultPart = Extract<
  Extract<AiSdkMessage, { role: 'tool' }>['content'][number],
  { readonly type: 'tool-result' }
>;
type ToolOutput = ToolResultPart['output'];
/** Of either version. */
type ToolPart = Omit<ToolResultPart, 'output'> & { readonly output: ToolOutput };
type ToolOutputPart = Extract<ToolOutput, { readonly type: 'content' }>['value'][number];

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type AssistantMessage = Extract<ChatCompletionMessageParam, { role: 'assistant' }>;
type ToolMessage = Extract<ChatCompletionMessageParam, { role: 'tool' }>;
type TextLike = string | readonly ({ type: 'text'; text: string } | { type: 'refusal'; refusal: string })[];

/** A call of the conversation that a tool message may answer. */
interface KnownCall {
  readonly name: string;
  /** Its place in its turn: results go in the order of the calls. */
  readonly order: number;
  /** The results of its turn. */
  readonly results: PlacedResult[];
}

/** What an assistant message is read with. */
interface AssistantTurn {
  readonly calls: Map<string, KnownCall>;
  readonly results: PlacedResult[];
  readonly reader: string;
}

interface PlacedResult {
  readonly order: number;
  readonly part: ToolPart;
}

/**
 * The conversation as the AI SDK's providers take it: system and developer messages first, from wherever they stand
 * (several providers refuse them later on); after each assistant turn its tool results in one message, in the order of
 * the calls; no empty texts, which several providers refuse. A conversation of system messages alone becomes a user
 * turn: OpenAI answers those too.
 *
 * Tool results stay text, as OpenAI has them; pictures and files in them go along.
 *
 * @throws {@link InvalidRequestError} naming the place of what cannot be said: the function messages of old, custom
 * tool calls, a tool result without a call, broken arguments, broken media.
 */
export function toAiSdkPrompt(
  messages: readonly ChatCompletionMessageParam[],
  model: AskedModel,
): AiSdkMessage[] {
  const version = model.specificationVersion;
  const reader = `${model.provider} ${model.modelId}`;
  const calls = new Map<string, KnownCall>();
  const system: Extract<LanguageModelV3Message, { role: 'system' }>[] = [];
  const turns: (AiSdkMessage | readonly PlacedResult[])[] = [];
  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer': {
        requireTextParts(message.content, path);
        const content = textsOf(message.content).join('');
        if (content.trim() !== '')
          system.push({ role: 'system', content, ...cacheOptionsOf(message.content) });
        break;
      }
      case 'user': {
        const content = toUserParts(message.content, `${path}.content`);
        if (content.length > 0) turns.push({ role: 'user', content });
        break;
      }
      case 'assistant': {
        requireTextParts(message.content, path);
        const results: PlacedResult[] = [];
        const content = toAssistantParts(message, path, { calls, results, reader });
        if (content.length > 0) turns.push({ role: 'assistant', content });
        turns.push(results);
        break;
      }
      case 'tool': {
        const call = calls.get(message.tool_call_id);
        if (call === undefined) {
          throw new InvalidRequestError(
            'No tool call of the conversation has this id.',
            `${path}.tool_call_id`,
          );
        }
        call.results.push({
          order: call.order,
          part: {
            type: 'tool-result',
            toolCallId: message.tool_call_id,
            toolName: call.name,
            output: toToolOutput(message.content, `${path}.content`, version),
          },
        });
        break;
      }
      case 'function':
        throw new InvalidRequestError('Function messages are not supported by this model.', path);
    }
  });
  const spoken = turns.flatMap((turn) => ('role' in turn ? [turn] : toToolMessage(turn)));
  if (spoken.length > 0) return [...system, ...spoken];
  // A lone empty message too: what to say of it is the provider's affair.
  const content = system.map((message) => ({ type: 'text' as const, text: message.content }));
  return [{ role: 'user', content: content.length > 0 ? content : [{ type: 'text', text: '' }] }];
}

function toToolMessage(results: readonly PlacedResult[]): AiSdkMessage[] {
  if (results.length === 0) return [];
  const content = [...results].sort((one, other) => one.order - other.order).map(({ part }) => part);
  // Made for one version: what the other lacks is not in it.
  return [{ role: 'tool', content } as AiSdkMessage];
}

/** The texts that are there. A refusal in the history is something that was said. */
function textsOf(content: TextLike | null | undefined): string[] {
  const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : (content ?? []);
  return parts.map((part) => (part.type === 'refusal' ? part.refusal : part.text));
}

/** A system message has one text here: the last mark of its parts says that all of it may be kept. */
function cacheOptionsOf(content: TextLike): ReturnType<typeof toCacheOptions> {
  const marked =
    typeof content === 'string' ? undefined : content.findLast((part) => 'cache_control' in part);
  return marked === undefined ? {} : toCacheOptions(marked);
}

function toUserParts(content: UserMessage['content'], path: string): Content<'user'> {
  if (typeof content === 'string') {
    return content.trim() === '' ? [] : [{ type: 'text', text: content }];
  }
  return content.flatMap((part, index): Content<'user'> => {
    if (part.type === 'text') {
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text, ...toCacheOptions(part) }];
    }
    return [{ type: 'file', ...toAiSdkFile(part, `${path}[${index}]`), ...toFileOptions(part) }];
  });
}

/** The specification has no word for `detail`; OpenAI's provider has. */
function toFileOptions(part: MediaPart): ReturnType<typeof toCacheOptions> {
  const cache = toCacheOptions(part);
  const detail = part.type === 'image_url' ? (part.image_url.detail ?? undefined) : undefined;
  if (detail === undefined) return cache;
  const imageDetail = { imageDetail: detail };
  return { providerOptions: { ...cache.providerOptions, openai: imageDetail, azure: imageDetail } };
}

/** Texts and calls, with the thinking in the places it had. */
function toAssistantParts(
  message: AssistantMessage,
  path: string,
  { calls, results, reader }: AssistantTurn,
): AssistantPart[] {
  if (isJsonObject((message as { readonly function_call?: unknown }).function_call)) {
    throw new InvalidRequestError(
      'Function calls of old are not supported by this model; use `tool_calls`.',
      `${path}.function_call`,
    );
  }
  const said: AssistantPart[] = [...textsOf(message.content), ...textsOf(message.refusal)]
    .filter((text) => text !== '')
    .map((text) => ({ type: 'text', text }));
  const signature = toSignatureOptions(message);
  const lastText = said.at(-1);
  if (lastText !== undefined) said.splice(-1, 1, { ...lastText, ...signature });
  for (const [order, toolCall] of (message.tool_calls ?? []).entries()) {
    const callPath = `${path}.tool_calls[${order}]`;
    // Some clients leave `type` out.
    if (toolCall.type === 'custom') {
      throw new InvalidRequestError('Custom tool calls are not supported by this model.', callPath);
    }
    const { name } = toolCall.function;
    calls.set(toolCall.id, { name, order, results });
    said.push({
      type: 'tool-call',
      toolCallId: toolCall.id,
      toolName: name,
      input: parseToolCallArguments(toolCall.function.arguments, `${callPath}.function.arguments`),
      ...toSignatureOptions(toolCall),
    });
  }
  const parts: AssistantPart[] = [];
  let next = 0;
  for (const { index, ...reasoning } of toAiSdkReasoning(message, reader)) {
    // Several texts have become one, so there may be less than there was.
    while (parts.length < index && next < said.length) {
      const before = said[next];
      if (before !== undefined) parts.push(before);
      next += 1;
    }
    parts.push({ type: 'reasoning', ...reasoning });
  }
  return [...parts, ...said.slice(next)];
}

function toToolOutput(content: ToolMessage['content'], path: string, version: AiSdkVersion): ToolOutput {
  if (typeof content === 'string') {
    return { type: 'text', value: content };
  }
  // OpenAI's types have text alone here; clients send pictures too.
  const parts: Exclude<UserMessage['content'], string> = content;
  if (parts.every((part) => part.type === 'text')) {
    return { type: 'text', value: parts.map(({ text }) => text).join('') };
  }
  const value = parts.map((part, index) => toToolOutputPart(part, `${path}[${index}]`, version));
  return { type: 'content', value } as ToolOutput;
}

function toToolOutputPart(
  part: Exclude<UserMessage['content'], string>[number],
  path: string,
  version: AiSdkVersion,
): ToolOutputPart {
  if (part.type === 'text') {
    return { type: 'text', text: part.text };
  }
  const { data, mediaType, filename } = toAiSdkFile(part, path);
  if (typeof data !== 'string') {
    if (version === 'v2') {
      throw new InvalidRequestError('This model takes no address in the result of a tool.', path);
    }
    return { type: 'image-url', url: data.href };
  }
  if (version === 'v2') {
    return { type: 'media', data, mediaType };
  }
  return part.type === 'image_url'
    ? { type: 'image-data', data, mediaType }
    : { type: 'file-data', data, mediaType, ...(filename === undefined ? {} : { filename }) };
}
