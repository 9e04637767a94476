import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import type { ProviderCall } from '../provider-adapter.js';
import { requestedOutputTokens } from '../still-used-fields.js';
import { anthropicModelTraits } from './anthropic-model-traits.js';
import { toThinkingBlocks } from './anthropic-reasoning.js';
import type { AnthropicThinking } from './anthropic-wire.js';

export interface ThinkingPlan {
  readonly maxTokens: number;
  readonly thinking?: AnthropicThinking;
  readonly effort?: string;
}

const DEFAULT_MAX_TOKENS = 4096;
/** Anthropic refuses smaller budgets. */
const MIN_BUDGET_TOKENS = 1024;
/** What must remain for the answer itself. */
const MIN_ANSWER_TOKENS = 512;

const BUDGET_TOKENS: ReadonlyMap<string, number> = new Map([
  ['minimal', 1024],
  ['low', 1024],
  ['medium', 4096],
  ['high', 16_384],
  ['xhigh', 32_768],
  ['max', 32_768],
]);

/**
 * Turns `reasoning_effort` into Anthropic's thinking, together with `max_tokens`, which holds thinking and answer.
 *
 * Thinking is on only for a model that thinks, with an effort asked for, and no tool forced (Anthropic refuses the two
 * together). With a budget, a turn that goes on after tool results must begin with its signed thinking ("a final
 * `assistant` message must start with a thinking block (preceding the lastmost set of `tool_use` and `tool_result`
 * blocks)"): where it was lost, or another model began the turn, thinking stays off until the next turn. Adaptive
 * thinking asks no such thing; it only has nothing to go on from.
 *
 * A limit the client set holds for thinking and answer together, as it does at OpenAI: the budget gives way, and
 * where it would fall under 1024 tokens thinking stays off. Without a limit `max_tokens` is 4096 tokens plus the
 * budget, or the model's own limit where that is lower. Models from 4.6 on take no budget but an effort.
 */
export function planThinking(call: ProviderCall, context: { readonly isToolForced: boolean }): ThinkingPlan {
  const { request } = call;
  const clientLimit = call.maxOutputTokens ?? requestedOutputTokens(request);
  const modelLimit = call.modelMaxOutputTokens ?? Number.POSITIVE_INFINITY;
  const plainMaxTokens = clientLimit ?? Math.min(DEFAULT_MAX_TOKENS, modelLimit);
  const effort = request.reasoning_effort ?? undefined;
  if (!call.reasoning || effort === undefined || effort === 'none') {
    return { maxTokens: plainMaxTokens };
  }
  const traits = anthropicModelTraits(call.upstreamModel);
  const canThink =
    !context.isToolForced && (traits.hasAdaptiveThinking || !isInUnsignedTurn(request.messages));
  const wantedBudget = BUDGET_TOKENS.get(effort) ?? MIN_BUDGET_TOKENS;
  const maxTokens =
    clientLimit ?? (canThink ? Math.min(DEFAULT_MAX_TOKENS + wantedBudget, modelLimit) : plainMaxTokens);
  if (traits.hasAdaptiveThinking) {
    return {
      maxTokens,
      effort: toEffort(effort, traits.hasExtraHighEffort),
      ...(canThink ? { thinking: { type: 'adaptive' } } : {}),
    };
  }
  const budgetTokens = Math.min(wantedBudget, maxTokens - MIN_ANSWER_TOKENS);
  return canThink && budgetTokens >= MIN_BUDGET_TOKENS
    ? { maxTokens, thinking: { type: 'enabled', budget_tokens: budgetTokens } }
    : { maxTokens: plainMaxTokens };
}

/** The model is to go on with a turn of its own that does not begin with signed thinking. */
function isInUnsignedTurn(messages: readonly ChatCompletionMessageParam[]): boolean {
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  const begun = messages.slice(lastUser + 1).find(({ role }) => role === 'assistant');
  return begun !== undefined && toThinkingBlocks(begun)[0]?.index !== 0;
}

/** An effort the model lacks is refused with a 400. */
function toEffort(effort: string, hasExtraHighEffort: boolean): string {
  switch (effort) {
    case 'minimal':
      return 'low';
    case 'xhigh':
      return hasExtraHighEffort ? 'xhigh' : 'high';
    default:
      return effort;
  }
}
