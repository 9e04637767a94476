import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import { ProviderError } from '../../errors/provider-error.js';
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

/**
 * In lower case. Every other name means `stop`: `eos` (Together) is one, new ones will come. `sensitive` is what z.ai's
 * filter says; makers behind a proxy are now and then quoted in their own words (`SAFETY`, `refusal`).
 */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['max_tokens', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'function_call'],
  ['content_filter', 'content_filter'],
  ['sensitive', 'content_filter'],
  ['safety', 'content_filter'],
  ['refusal', 'content_filter'],
]);

/**
 * Finish reasons that say that the answer was not finished: by OpenRouter, Mistral and vLLM (`error`, `abort`), z.ai
 * (`network_error`) and DeepSeek, whose `insufficient_system_resource` is an interruption for want of capacity.
 */
const FAULTS: ReadonlyMap<string, ProviderErrorKind> = new Map<string, ProviderErrorKind>([
  ['error', 'server_error'],
  ['abort', 'server_error'],
  ['aborted', 'server_error'],
  ['network_error', 'server_error'],
  ['insufficient_system_resource', 'overloaded'],
]);

/**
 * Brings a finish reason into OpenAI's set. OpenAI itself says `stop` for a call that was forced by name, and is
 * left so; others mean `tool_calls`.
 *
 * @throws {@link ProviderError} where the upstream says that it could not finish: half an answer must not look whole.
 */
export function fromOpenAiFinishReason(
  value: unknown,
  context: { readonly hasToolCalls: boolean; readonly isCompatible: boolean },
): FinishReason {
  const name = textOf(value)?.toLowerCase() ?? '';
  const fault = FAULTS.get(name);
  if (fault !== undefined) {
    throw new ProviderError({ kind: fault, providerCode: name });
  }
  const known = FINISH_REASONS.get(name);
  if (known !== undefined && (known !== 'stop' || !context.isCompatible)) {
    return known;
  }
  return context.hasToolCalls ? 'tool_calls' : 'stop';
}
