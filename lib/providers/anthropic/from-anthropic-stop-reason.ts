import type { FinishReason } from '../chat-extensions.js';

/**
 * `end_turn`, `stop_sequence`, `pause_turn` and every name yet to come mean `stop`, or `tool_calls` where the answer
 * holds calls of the client's tools. `tool_use` without one happens: the tool was Anthropic's, or the one that stands
 * for a JSON schema.
 */
export function fromAnthropicStopReason(value: unknown, hasToolCalls: boolean): FinishReason {
  switch (value) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'refusal':
      return 'content_filter';
    default:
      return hasToolCalls ? 'tool_calls' : 'stop';
  }
}
