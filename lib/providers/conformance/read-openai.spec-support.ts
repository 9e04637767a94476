import {
  parseArguments,
  type ReadChoice,
  type ReadToolCall,
  type ReadUsage,
  type Reading,
} from './reading.spec-support.js';

interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly thinking?: string | readonly Part[];
}

interface ToolCall {
  readonly index?: number;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | object | null };
}

interface Message {
  readonly content?: string | readonly Part[] | null;
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
  readonly tool_calls?: readonly ToolCall[] | null;
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly total_tokens?: number;
  readonly cached_tokens?: number;
  readonly num_cached_tokens?: number;
  readonly prompt_cache_hit_tokens?: number;
  readonly prompt_tokens_details?: {
    readonly cached_tokens?: number;
    readonly cache_write_tokens?: number;
  } | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number } | null;
  readonly reasoning_tokens?: number;
}

interface Choice {
  readonly index?: number;
  readonly message?: Message;
  readonly delta?: Message;
  readonly finish_reason?: string | null;
  readonly logprobs?: { readonly content?: readonly { token: string; logprob: number }[] | null } | null;
}

interface Payload {
  readonly choices?: readonly Choice[] | null;
  readonly usage?: Usage | null;
}

interface OpenChoice {
  text: string;
  reasoning: string;
  finishReason: string;
  readonly calls: { upstreamIndex: number | undefined; id: string; name: string; text: string }[];
  readonly logprobs: [string, number][];
}

/** Reads an answer (one payload) or a stream (all of its payloads) of OpenAI's wire. */
export function readOpenAi(payloads: readonly unknown[], isOpenAiItself: boolean): Reading {
  const choices = new Map<number, OpenChoice>();
  let usage: Usage | undefined;
  for (const payload of payloads as readonly Payload[]) {
    usage = payload.usage ?? usage;
    for (const choice of payload.choices ?? []) takeChoice(choices, choice);
  }
  return {
    choices: [...choices].map(([index, choice]): ReadChoice => {
      const { calls, finishReason, ...rest } = choice;
      return {
        index,
        ...rest,
        toolCalls: calls.map((call): ReadToolCall => ({
          id: call.id === '' ? undefined : call.id,
          name: call.name,
          arguments: parseArguments(call.text),
        })),
        finishReason: toFinishReason(finishReason, calls.length > 0, isOpenAiItself),
      };
    }),
    usage: usage === undefined ? undefined : readUsage(usage),
  };
}

function takeChoice(choices: Map<number, OpenChoice>, choice: Choice): void {
  const index = choice.index ?? 0;
  const open = choices.get(index) ?? { text: '', reasoning: '', finishReason: '', calls: [], logprobs: [] };
  choices.set(index, open);
  const message = choice.message ?? choice.delta ?? {};
  const content =
    typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
  open.text += textOf(content ?? []);
  const spoken = message.reasoning_content === '' ? undefined : (message.reasoning_content ?? undefined);
  open.reasoning += spoken ?? message.reasoning ?? thinkingOf(content ?? []);
  // Groq repeats nothing, Alibaba does: the last word counts.
  if (choice.finish_reason) open.finishReason = choice.finish_reason;
  for (const { token, logprob } of choice.logprobs?.content ?? []) open.logprobs.push([token, logprob]);
  for (const call of message.tool_calls ?? []) takeCall(open, call, choice.message !== undefined);
}

function takeCall({ calls }: OpenChoice, call: ToolCall, isWhole: boolean): void {
  const same = isWhole
    ? undefined
    : calls.findLast(({ upstreamIndex, id }) =>
        call.index === undefined ? !call.id || id === call.id : upstreamIndex === call.index,
      );
  // Some give all parallel calls the number 0.
  const isAnother =
    same !== undefined && call.id && call.function?.name && same.id !== '' && same.id !== call.id;
  const open =
    same === undefined || isAnother ? { upstreamIndex: call.index, id: '', name: '', text: '' } : same;
  if (open !== same) calls.push(open);
  if (open.id === '') open.id = call.id ?? '';
  if (open.name === '') open.name = call.function?.name ?? '';
  const piece = call.function?.arguments ?? '';
  open.text += typeof piece === 'string' ? piece : JSON.stringify(piece);
}

const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (part.type === 'text' ? (part.text ?? '') : '')).join('');

const thinkingOf = (parts: readonly Part[]): string =>
  parts
    .filter(({ type }) => type === 'thinking')
    .map(({ thinking }) => (typeof thinking === 'string' ? thinking : textOf(thinking ?? [])))
    .join('');

function toFinishReason(value: string, hasCalls: boolean, isOpenAiItself: boolean): string {
  switch (value) {
    case 'length':
    case 'tool_calls':
    case 'function_call':
    case 'content_filter':
      return value;
    case 'stop':
      // OpenAI says so of a call that was forced by its name.
      return hasCalls && !isOpenAiItself ? 'tool_calls' : 'stop';
    default:
      return hasCalls ? 'tool_calls' : 'stop';
  }
}

function readUsage(usage: Usage): ReadUsage {
  const prompt = usage.prompt_tokens ?? 0;
  const reported = usage.completion_tokens ?? 0;
  // xAI counts thinking in the total alone and names it; Google's compatible endpoint does not even name it.
  const extra = Math.max(0, (usage.total_tokens ?? 0) - prompt - reported);
  const completion = reported + extra;
  const named = usage.completion_tokens_details?.reasoning_tokens ?? usage.reasoning_tokens ?? 0;
  const cached =
    usage.prompt_tokens_details?.cached_tokens ??
    usage.prompt_cache_hit_tokens ??
    usage.num_cached_tokens ??
    usage.cached_tokens ??
    0;
  return {
    prompt,
    completion,
    cached,
    // OpenRouter tells the same tokens as written and as read.
    cacheWrite: Math.min(usage.prompt_tokens_details?.cache_write_tokens ?? 0, prompt - cached),
    reasoning: Math.min(named > 0 ? named : extra, completion),
  };
}
