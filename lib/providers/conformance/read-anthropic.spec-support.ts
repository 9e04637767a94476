import { parseArguments, type ReadToolCall, type Reading } from './reading.spec-support.js';

interface Block {
  readonly type?: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: object;
}

interface Usage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cache_read_input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  readonly output_tokens_details?: { readonly thinking_tokens?: number } | null;
}

interface Message {
  readonly content?: readonly Block[];
  readonly stop_reason?: string | null;
  readonly usage?: Usage;
}

interface Payload extends Message {
  readonly type?: string;
  readonly index?: number;
  readonly message?: Message;
  readonly content_block?: Block;
  readonly delta?: {
    readonly type?: string;
    readonly text?: string;
    readonly thinking?: string;
    readonly partial_json?: string;
    readonly stop_reason?: string | null;
  };
}

interface OpenCall {
  readonly id: string | undefined;
  readonly name: string;
  readonly input: object;
  text: string;
}

/** Reads a message (one payload) or a stream (all of its events) of Anthropic's Messages API. */
export function readAnthropic(payloads: readonly unknown[]): Reading {
  let text = '';
  let reasoning = '';
  let stopReason = '';
  let usage: Usage = {};
  const calls: OpenCall[] = [];
  const openCalls = new Map<number, OpenCall>();
  const takeBlock = (block: Block, index?: number): void => {
    if (block.type === 'text') text += block.text ?? '';
    if (block.type === 'thinking') reasoning += block.thinking ?? '';
    if (index !== undefined) openCalls.delete(index);
    if (block.type === 'tool_use') {
      const call = { id: block.id, name: block.name ?? '', input: block.input ?? {}, text: '' };
      calls.push(call);
      if (index !== undefined) openCalls.set(index, call);
    }
  };
  for (const payload of payloads as readonly Payload[]) {
    const { message = payload, content_block: block, delta = {}, index = 0 } = payload;
    for (const whole of message.content ?? []) takeBlock(whole);
    // Each event tells running totals, not always the same ones.
    usage = { ...usage, ...withoutNulls(message.usage ?? payload.usage ?? {}) };
    stopReason = message.stop_reason ?? delta.stop_reason ?? stopReason;
    if (block !== undefined) takeBlock(block, index);
    text += delta.type === 'text_delta' ? (delta.text ?? '') : '';
    reasoning += delta.type === 'thinking_delta' ? (delta.thinking ?? '') : '';
    const call = delta.type === 'input_json_delta' ? openCalls.get(index) : undefined;
    if (call !== undefined) call.text += delta.partial_json ?? '';
  }
  const toolCalls = calls.map((call): ReadToolCall => ({
    id: call.id,
    name: call.name,
    arguments: call.text === '' ? call.input : parseArguments(call.text),
  }));
  const read = usage.cache_read_input_tokens ?? 0;
  const written = usage.cache_creation_input_tokens ?? 0;
  const hasUsage = usage.input_tokens !== undefined || usage.output_tokens !== undefined;
  return {
    choices: [
      {
        index: 0,
        text,
        reasoning,
        toolCalls,
        finishReason: toFinishReason(stopReason, toolCalls.length > 0),
        logprobs: [],
      },
    ],
    usage: hasUsage
      ? {
          prompt: (usage.input_tokens ?? 0) + read + written,
          completion: usage.output_tokens ?? 0,
          cached: read,
          cacheWrite: written,
          reasoning: usage.output_tokens_details?.thinking_tokens ?? 0,
        }
      : undefined,
  };
}

function withoutNulls(usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null));
}

function toFinishReason(stopReason: string, hasCalls: boolean): string {
  switch (stopReason) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'refusal':
      return 'content_filter';
    default:
      return hasCalls ? 'tool_calls' : 'stop';
  }
}
