import type { ChatCompletion, ChatCompletionChunk, CompletionUsage } from '../../chat/chat-types.js';
import type { ExtendedDelta, ExtendedMessage } from '../chat-extensions.js';
import { parseArguments, type ReadChoice, type ReadUsage, type Reading } from './reading.spec-support.js';

/** Reads an answer of ours the way a client does. */
export function readCompletion(completion: ChatCompletion): Reading {
  return {
    choices: completion.choices.map(
      ({ index, message, finish_reason: finishReason, logprobs }): ReadChoice => {
        const extended: ExtendedMessage = message;
        return {
          index,
          text: message.content ?? '',
          reasoning: extended.reasoning_content ?? '',
          toolCalls: (message.tool_calls ?? []).map((call) => ({
            id: call.id,
            name: call.type === 'function' ? call.function.name : call.custom.name,
            arguments: parseArguments(call.type === 'function' ? call.function.arguments : call.custom.input),
          })),
          finishReason,
          logprobs: (logprobs?.content ?? []).map(({ token, logprob }) => [token, logprob]),
        };
      },
    ),
    usage: usageOf(completion.usage),
  };
}

interface OpenChoice {
  text: string;
  reasoning: string;
  readonly finishReasons: string[];
  readonly calls: { ids: string[]; names: string[]; text: string }[];
  readonly logprobs: [string, number][];
}

/** Puts chunks of ours together the way a client does. A finish reason sent twice reads as both. */
export function readChunks(chunks: readonly ChatCompletionChunk[]): Reading {
  const choices = new Map<number, OpenChoice>();
  let usage: CompletionUsage | undefined;
  for (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    for (const { index, delta, finish_reason: finishReason, logprobs } of chunk.choices) {
      const open = choices.get(index) ?? {
        text: '',
        reasoning: '',
        finishReasons: [],
        calls: [],
        logprobs: [],
      };
      choices.set(index, open);
      const extended: ExtendedDelta = delta;
      open.text += delta.content ?? '';
      open.reasoning += extended.reasoning_content ?? '';
      if (finishReason !== null) open.finishReasons.push(finishReason);
      for (const { token, logprob } of logprobs?.content ?? []) open.logprobs.push([token, logprob]);
      for (const call of delta.tool_calls ?? []) {
        const known = (open.calls[call.index] ??= { ids: [], names: [], text: '' });
        if (call.id !== undefined) known.ids.push(call.id);
        if (call.function?.name !== undefined) known.names.push(call.function.name);
        known.text += call.function?.arguments ?? '';
      }
    }
  }
  return {
    choices: [...choices].map(([index, { finishReasons, calls, ...rest }]) => ({
      index,
      ...rest,
      toolCalls: calls.map((call) => ({
        id: call.ids.join('+'),
        name: call.names.join('+'),
        arguments: parseArguments(call.text),
      })),
      finishReason: finishReasons.join('+'),
    })),
    usage: usageOf(usage),
  };
}

function usageOf(usage: CompletionUsage | undefined | null): ReadUsage | undefined {
  if (usage === undefined || usage === null) return undefined;
  const details: { cached_tokens?: number; cache_write_tokens?: number } = usage.prompt_tokens_details ?? {};
  return {
    prompt: usage.prompt_tokens,
    completion: usage.completion_tokens,
    cached: details.cached_tokens ?? 0,
    cacheWrite: details.cache_write_tokens ?? 0,
    reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}
