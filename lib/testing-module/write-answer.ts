import type { ChatCompletion, ChatCompletionChunk, TokenUsage } from '../chat/index.js';
import { ChunkWriter } from '../providers/chunk-writer.js';
import { toCompletionUsage } from '../providers/completion-usage.js';
import { makeCompletionId, makeToolCallId, nowSeconds } from '../providers/made-up-ids.js';
import type { UpstreamReply } from '../testing/index.js';
import { countCharacters, estimateTokens, splitIntoTokens } from '../testing/token-estimate.js';
import type { UpstreamReading } from '../testing/upstream-wire.interface.js';
import type { ScriptedReply } from './scripting.interface.js';

type FinishReason = NonNullable<UpstreamReply['finish']> | 'tool_calls';

/** A reply, settled in all that the two forms of an answer have in common. */
export interface WrittenAnswer {
  readonly text: string;
  readonly pieces: readonly string[];
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finish: FinishReason;
  readonly usage: TokenUsage;
  readonly choices: number;
  /** What the provider says served it. */
  readonly model: string;
}

export function writeAnswer(
  scripted: string | ScriptedReply,
  reading: UpstreamReading,
  upstreamModel: string,
): WrittenAnswer {
  const reply = typeof scripted === 'string' ? { text: scripted } : scripted;
  const text =
    reply.chunks?.join('') ?? ('json' in reply ? JSON.stringify(reply.json) : undefined) ?? reply.text ?? '';
  const toolCalls = (reply.toolCalls ?? []).map((call) => ({
    id: makeToolCallId(),
    name: call.name,
    arguments: JSON.stringify(call.arguments),
  }));
  const finish = reply.finish ?? 'stop';
  const said = toolCalls.reduce((sum, call) => sum + call.name.length + call.arguments.length, text.length);
  return {
    text,
    pieces: reply.chunks ?? splitIntoTokens(text),
    toolCalls,
    finish: finish === 'stop' && toolCalls.length > 0 ? 'tool_calls' : finish,
    usage: {
      promptTokens: reply.usage?.promptTokens ?? estimateTokens(countCharacters(reading.prompt)),
      completionTokens: reply.usage?.completionTokens ?? estimateTokens(said) * reading.choices,
      cachedTokens: reply.usage?.cachedTokens ?? 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
    },
    choices: reading.choices,
    model: upstreamModel,
  };
}

function choiceIndexes({ choices }: WrittenAnswer): number[] {
  return Array.from({ length: choices }, (_, index) => index);
}

/** The answer as a whole. */
export function toCompletion(answer: WrittenAnswer): ChatCompletion {
  const { text, toolCalls } = answer;
  return {
    id: makeCompletionId(),
    object: 'chat.completion',
    created: nowSeconds(),
    model: answer.model,
    choices: choiceIndexes(answer).map((index) => ({
      index,
      message: {
        role: 'assistant',
        content: text === '' && toolCalls.length > 0 ? null : text,
        refusal: null,
        ...(toolCalls.length === 0
          ? {}
          : {
              tool_calls: toolCalls.map((call) => ({
                id: call.id,
                type: 'function' as const,
                function: { name: call.name, arguments: call.arguments },
              })),
            }),
      },
      logprobs: null,
      finish_reason: answer.finish,
    })),
    usage: toCompletionUsage(answer.usage),
  };
}

/** The answer as a stream: what opens it, its pieces of content, and what closes it. */
export interface StreamedAnswer {
  readonly opening: readonly ChatCompletionChunk[];
  readonly content: readonly ChatCompletionChunk[];
  readonly closing: readonly ChatCompletionChunk[];
}

export function toStream(answer: WrittenAnswer): StreamedAnswer {
  const writer = new ChunkWriter(answer.model);
  const indexes = choiceIndexes(answer);
  const opening = indexes.map((index) => writer.write(index, { content: '' }));
  const content = indexes.flatMap((index) => [
    ...answer.pieces.map((piece) => writer.write(index, { content: piece })),
    ...answer.toolCalls.flatMap((call, position) => [
      writer.write(index, {
        tool_calls: [
          { index: position, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
        ],
      }),
      ...splitIntoTokens(call.arguments).map((piece) =>
        writer.write(index, { tool_calls: [{ index: position, function: { arguments: piece } }] }),
      ),
    ]),
  ]);
  return {
    opening,
    content,
    closing: [
      ...indexes.map((index) => writer.write(index, {}, answer.finish)),
      writer.writeUsage(toCompletionUsage(answer.usage)),
    ],
  };
}
