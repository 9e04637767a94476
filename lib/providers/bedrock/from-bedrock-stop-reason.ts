import type { FinishReason } from '../chat-extensions.js';

/**
 * `end_turn`, `stop_sequence`, `malformed_model_output` and every name yet to come mean `stop`, or `tool_calls` where
 * the answer holds calls of the client's tools. `tool_use` without one happens: the tool was the one that stands for a
 * JSON schema.
 */
export function fromBedrockStopReason(value: unknown, hasToolCalls: boolean): FinishReason {
  switch (value) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'guardrail_intervened':
    case 'content_filtered':
      return 'content_filter';
    default:
      return hasToolCalls ? 'tool_calls' : 'stop';
  }
}
