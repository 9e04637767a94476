import type { TokenUsage } from '../../chat/chat-types.js';
import { countOf, objectOf } from '../json-reading.js';

/** Anthropic's counts as they stand on the wire; undefined where not reported yet. */
interface AnthropicCounts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
  readonly thinking: number | undefined;
}

const NOTHING: AnthropicCounts = {
  input: undefined,
  output: undefined,
  cacheRead: undefined,
  cacheWrite: undefined,
  thinking: undefined,
};

/**
 * Collects usage over an answer or a stream. `message_start` and `message_delta` each report running totals, not
 * always the same fields: for each field the last value counts, and nothing is added up.
 */
export class AnthropicUsage {
  #counts = NOTHING;

  take(value: unknown): void {
    const usage = objectOf(value);
    if (usage === undefined) {
      return;
    }
    this.#counts = {
      input: countOf(usage.input_tokens) ?? this.#counts.input,
      output: countOf(usage.output_tokens) ?? this.#counts.output,
      cacheRead: countOf(usage.cache_read_input_tokens) ?? this.#counts.cacheRead,
      cacheWrite: countOf(usage.cache_creation_input_tokens) ?? this.#counts.cacheWrite,
      thinking: countOf(objectOf(usage.output_tokens_details)?.thinking_tokens) ?? this.#counts.thinking,
    };
  }

  /**
   * In OpenAI's accounting: `input_tokens` leaves out what was read from or written to the cache, `output_tokens`
   * includes thinking. Undefined while neither input nor output was reported.
   */
  get tokens(): TokenUsage | undefined {
    const { input, output, cacheRead = 0, cacheWrite = 0, thinking = 0 } = this.#counts;
    if (input === undefined && output === undefined) {
      return undefined;
    }
    return {
      promptTokens: (input ?? 0) + cacheRead + cacheWrite,
      completionTokens: output ?? 0,
      cachedTokens: cacheRead,
      cacheWriteTokens: cacheWrite,
      reasoningTokens: Math.min(thinking, output ?? 0),
    };
  }
}
