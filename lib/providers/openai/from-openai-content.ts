import type { FinishReason } from '../chat-extensions.js';
import { isJsonObject, listOf, textOf } from '../json-reading.js';

export interface OpenAiContent {
  /** Undefined: the field was absent, null, or held nothing but thinking. */
  readonly text: string | undefined;
  /** Thinking found among content parts. */
  readonly reasoning: string;
}

/**
 * Reads `content`, which is a text at OpenAI but may be a list of `thinking` and `text` parts at Mistral, in answers
 * and in deltas. Thinking never becomes content.
 */
export function fromOpenAiContent(content: unknown): OpenAiContent {
  if (!Array.isArray(content)) {
    return { text: textOf(content), reasoning: '' };
  }
  let text: string | undefined;
  let reasoning = '';
  for (const part of listOf(content)) {
    if (typeof part === 'string') {
      text = (text ?? '') + part;
    } else if (isJsonObject(part)) {
      if (part.type === 'thinking') {
        reasoning +=
          typeof part.thinking === 'string' ? part.thinking : (fromOpenAiContent(part.thinking).text ?? '');
      } else if (typeof part.text === 'string') {
        text = (text ?? '') + part.text;
      }
    }
  }
  return { text, reasoning };
}

/** Every other name means `stop`: `eos` (Together) is one, new ones will come. */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['max_tokens', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'function_call'],
  ['content_filter', 'content_filter'],
]);

/**
 * Brings a finish reason into OpenAI's set. OpenAI itself says `stop` for a call that was forced by name, and is
 * left so; others mean `tool_calls`.
 */
export function fromOpenAiFinishReason(
  value: unknown,
  context: { readonly hasToolCalls: boolean; readonly isCompatible: boolean },
): FinishReason {
  const known = typeof value === 'string' ? FINISH_REASONS.get(value) : undefined;
  if (known !== undefined && (known !== 'stop' || !context.isCompatible)) {
    return known;
  }
  return context.hasToolCalls ? 'tool_calls' : 'stop';
}
