import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { isJsonObject, nonEmptyTextOf, objectOf, parseJson, type JsonObject } from '../json-reading.js';
import { requireTextParts } from '../require-text-parts.js';
import { spokenContentOf } from '../spoken-content.js';
import { parseToolCallArguments } from '../tool-call-arguments.js';
import { GEMINI_API, type GeminiHost } from './gemini-host.js';
import { geminiModelTraits, type GeminiModelTraits } from './gemini-model-traits.js';
import type { GeminiContent, GeminiPart } from './gemini-wire.js';
import { toGeminiMedia } from './to-gemini-media.js';

export interface GeminiConversation {
  readonly system: readonly GeminiPart[];
  readonly contents: readonly GeminiContent[];
}

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type AssistantMessage = Extract<ChatCompletionMessageParam, { role: 'assistant' }>;
type ToolMessage = Extract<ChatCompletionMessageParam, { role: 'tool' }>;

/**
 * Gemini 3 refuses replayed calls without their signature; this word of Google's makes it accept one whose signature
 * was lost (a client dropped it, or the call is another provider's).
 */
const SKIP_SIGNATURE = 'skip_thought_signature_validator';

/** A call of the conversation that a tool message may answer. */
interface KnownCall {
  readonly name: string;
  /** Its place in its turn: responses go in the order of the calls. */
  readonly order: number;
}

/**
 * The conversation as Gemini wants it: system and developer messages apart; roles `user` and `model`, turns of the
 * same role in a row merged; tool results as function responses, named by the call they answer and in the order of
 * the calls, what they show as a picture behind them; never empty, so that system messages alone become a user turn.
 *
 * @throws {@link InvalidRequestError} naming the place of what cannot be said: an image by a URL that Google does not
 * fetch, a tool result without a call, broken arguments.
 */
export function toGeminiConversation(
  messages: readonly ChatCompletionMessageParam[],
  model: string,
  host: GeminiHost = GEMINI_API,
): GeminiConversation {
  const traits = geminiModelTraits(model, host);
  const calls = new Map<string, KnownCall>();
  const system: GeminiPart[] = [];
  const turns: GeminiContent[] = [];
  const responseOrder = new Map<GeminiPart, number>();
  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        requireTextParts(message.content, path);
        for (const part of toTextParts(message.content)) system.push(part);
        break;
      case 'user':
        turns.push({ role: 'user', parts: toUserParts(message.content, `${path}.content`, traits) });
        break;
      case 'assistant':
        requireTextParts(message.content, path);
        turns.push({
          role: 'model',
          parts: [
            ...withTextSignature(toTextParts(spokenContentOf(message)), message),
            ...toFunctionCalls(message, path, calls, traits),
          ],
        });
        break;
      case 'tool': {
        const call = calls.get(message.tool_call_id);
        if (call === undefined) {
          throw new InvalidRequestError(
            'No tool call of the conversation has this id.',
            `${path}.tool_call_id`,
          );
        }
        const part = toFunctionResponse(message, call.name, traits.hasCallIds);
        responseOrder.set(part, call.order);
        turns.push({ role: 'user', parts: [part, ...toMediaParts(message.content, path, traits)] });
        break;
      }
      case 'function':
        throw new InvalidRequestError('Function messages are not supported by this model.', path);
    }
  });
  const contents = mergeTurns(turns, responseOrder);
  if (contents.length === 0 && system.length > 0) {
    return { system: [], contents: [{ role: 'user', parts: system }] };
  }
  if (traits.hasSystemInstruction || system.length === 0) {
    return { system, contents };
  }
  return { system: [], contents: withSystemInFirstUserTurn(contents, system) };
}

function toTextParts(
  content:
    | string
    | readonly ({ type: 'text'; text: string } | { type: 'refusal'; refusal: string })[]
    | null
    | undefined,
): GeminiPart[] {
  if (typeof content === 'string') {
    return content === '' ? [] : [{ text: content }];
  }
  return (content ?? []).flatMap((part) => {
    const text = part.type === 'refusal' ? part.refusal : part.text;
    return text === '' ? [] : [{ text }];
  });
}

function toUserParts(content: UserMessage['content'], path: string, traits: GeminiModelTraits): GeminiPart[] {
  if (typeof content === 'string') {
    return toTextParts(content);
  }
  return content.flatMap((part, index): GeminiPart[] =>
    part.type === 'text' ? toTextParts([part]) : [toGeminiMedia(part, `${path}[${index}]`, traits)],
  );
}

/** What a tool has to show beside its words. OpenAI's types have text alone there; clients send pictures too. */
function toMediaParts(
  content: ToolMessage['content'],
  path: string,
  traits: GeminiModelTraits,
): GeminiPart[] {
  if (typeof content === 'string') {
    return [];
  }
  const parts: Exclude<UserMessage['content'], string> = content;
  return parts.flatMap((part, index): GeminiPart[] =>
    part.type === 'text' ? [] : [toGeminiMedia(part, `${path}.content[${index}]`, traits)],
  );
}

function toFunctionCalls(
  message: AssistantMessage,
  path: string,
  calls: Map<string, KnownCall>,
  { hasCallIds, isGemini3OrLater }: GeminiModelTraits,
): GeminiPart[] {
  return (message.tool_calls ?? []).map((toolCall, index): GeminiPart => {
    const callPath = `${path}.tool_calls[${index}]`;
    if (toolCall.type !== 'function') {
      throw new InvalidRequestError('Custom tool calls are not supported by this model.', callPath);
    }
    const { name } = toolCall.function;
    calls.set(toolCall.id, { name, order: index });
    const args = parseToolCallArguments(toolCall.function.arguments, `${callPath}.function.arguments`);
    const carried = carriedSignature(toolCall);
    // Of parallel calls only the first has a signature: inventing more is refused.
    const signature = carried ?? (isGemini3OrLater && index === 0 ? SKIP_SIGNATURE : undefined);
    return {
      functionCall: { ...(hasCallIds ? { id: toolCall.id } : {}), name, args },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    };
  });
}

/** Its place is the last part, an empty one where the answer had no words. */
function withTextSignature(parts: readonly GeminiPart[], message: AssistantMessage): readonly GeminiPart[] {
  const signature = carriedSignature(message);
  if (signature === undefined) {
    return parts;
  }
  const last = parts.at(-1) ?? { text: '' };
  return [...parts.slice(0, -1), { ...last, thoughtSignature: signature }];
}

/** The signature that came with a call or a text, where Google's own OpenAI endpoint puts it too. */
function carriedSignature(carrier: object): string | undefined {
  const extraContent = 'extra_content' in carrier ? objectOf(carrier.extra_content) : undefined;
  return nonEmptyTextOf(objectOf(extraContent?.google)?.thought_signature);
}

function toFunctionResponse(message: ToolMessage, name: string, hasCallIds: boolean): GeminiPart {
  const parts: Exclude<UserMessage['content'], string> =
    typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return {
    functionResponse: {
      ...(hasCallIds ? { id: message.tool_call_id } : {}),
      name,
      response: toResponseObject(text),
    },
  };
}

/** A response must be an object; `output` is Google's own word for a result that is none. */
function toResponseObject(text: string): JsonObject {
  const parsed = /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
  return isJsonObject(parsed) ? parsed : { output: parsed ?? text };
}

function mergeTurns(
  turns: readonly GeminiContent[],
  responseOrder: ReadonlyMap<GeminiPart, number>,
): GeminiContent[] {
  const merged: GeminiContent[] = [];
  for (const turn of turns) {
    const last = merged.at(-1);
    if (turn.parts.length === 0) {
      continue;
    }
    if (last?.role === turn.role) {
      for (const part of turn.parts) last.parts.push(part);
    } else {
      merged.push(turn);
    }
  }
  // Responses first, in the order of their calls; the rest stays in its own order behind them.
  const rank = (part: GeminiPart): number => responseOrder.get(part) ?? Number.MAX_SAFE_INTEGER;
  for (const turn of merged) {
    turn.parts.sort((one, other) => rank(one) - rank(other));
  }
  return merged;
}

function withSystemInFirstUserTurn(
  contents: readonly GeminiContent[],
  system: readonly GeminiPart[],
): readonly GeminiContent[] {
  const firstUserTurn = contents.findIndex((content) => content.role === 'user');
  if (firstUserTurn < 0) {
    return [{ role: 'user', parts: [...system] }, ...contents];
  }
  return contents.map((content, index) =>
    index === firstUserTurn ? { ...content, parts: [...system, ...content.parts] } : content,
  );
}
