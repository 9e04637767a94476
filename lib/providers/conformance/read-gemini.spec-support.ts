import type { ReadToolCall, ReadUsage, Reading } from './reading.spec-support.js';

interface FunctionCall {
  readonly id?: string;
  readonly name?: string;
  readonly args?: object;
  readonly willContinue?: boolean;
  readonly partialArgs?: readonly {
    readonly jsonPath: string;
    readonly stringValue?: string;
    readonly numberValue?: number;
    readonly boolValue?: boolean;
  }[];
}

interface Part {
  readonly text?: string;
  readonly thought?: boolean;
  readonly functionCall?: FunctionCall;
}

interface Usage {
  readonly promptTokenCount?: number;
  readonly candidatesTokenCount?: number;
  readonly thoughtsTokenCount?: number;
  readonly cachedContentTokenCount?: number;
  readonly toolUsePromptTokenCount?: number;
}

interface Payload {
  readonly candidates?: readonly {
    readonly index?: number;
    readonly content?: { readonly parts?: readonly Part[] };
    readonly finishReason?: string;
    readonly logprobsResult?: {
      readonly chosenCandidates?: readonly { readonly token: string; readonly logProbability: number }[];
    };
  }[];
  readonly promptFeedback?: { readonly blockReason?: string };
  readonly usageMetadata?: Usage;
}

interface OpenChoice {
  text: string;
  reasoning: string;
  finishReason: string;
  readonly toolCalls: ReadToolCall[];
  readonly logprobs: [string, number][];
}

const FILTERED = /^(?:SAFETY|RECITATION|LANGUAGE|BLOCKLIST|PROHIBITED_CONTENT|SPII|MODEL_ARMOR|IMAGE_\w+)$/;

/** Reads an answer (one payload) or a stream (all of its payloads) of Gemini's `generateContent`. */
export function readGemini(payloads: readonly unknown[]): Reading {
  const choices = new Map<number, OpenChoice>();
  let usage: Usage | undefined;
  let isBlocked = false;
  for (const payload of payloads as readonly Payload[]) {
    // Vertex sends early totals without a single count.
    usage = payload.usageMetadata?.promptTokenCount === undefined ? usage : payload.usageMetadata;
    isBlocked ||= payload.promptFeedback?.blockReason !== undefined;
    for (const candidate of payload.candidates ?? []) {
      const index = candidate.index ?? 0;
      const open = choices.get(index) ?? {
        text: '',
        reasoning: '',
        finishReason: '',
        toolCalls: [],
        logprobs: [],
      };
      choices.set(index, open);
      open.finishReason = candidate.finishReason ?? open.finishReason;
      for (const part of candidate.content?.parts ?? []) takePart(open, part);
      for (const token of candidate.logprobsResult?.chosenCandidates ?? []) {
        open.logprobs.push([token.token, token.logProbability]);
      }
    }
  }
  if (choices.size === 0 && isBlocked) {
    choices.set(0, { text: '', reasoning: '', finishReason: 'SAFETY', toolCalls: [], logprobs: [] });
  }
  return {
    choices: [...choices].map(([index, choice]) => ({
      ...choice,
      index,
      finishReason: toFinishReason(choice.finishReason, choice.toolCalls.length > 0),
    })),
    usage: usage === undefined ? undefined : readUsage(usage),
  };
}

function takePart(open: OpenChoice, part: Part): void {
  if (part.thought === true) open.reasoning += part.text ?? '';
  else open.text += part.text ?? '';
  const call = part.functionCall;
  if (call === undefined) return;
  if (call.name !== undefined) {
    open.toolCalls.push({ id: call.id, name: call.name, arguments: { ...call.args } });
  }
  // Streamed arguments: a value and the place where it belongs.
  const last = open.toolCalls.at(-1);
  for (const { jsonPath, stringValue, numberValue, boolValue } of call.partialArgs ?? []) {
    put(last?.arguments as Container, jsonPath, stringValue ?? numberValue ?? boolValue ?? null);
  }
}

type Container = Record<string, unknown>;

/** Sets `$.a.b[1].c`; texts of the same place are pieces of one. */
function put(root: Container, path: string, value: unknown): void {
  const steps = path
    .replace(/^\$\.?/, '')
    .split(/[.[\]]+/)
    .filter((step) => step !== '');
  let container = root;
  steps.forEach((step, position) => {
    const next = steps[position + 1];
    if (next === undefined) {
      const before = container[step];
      container[step] = typeof before === 'string' && typeof value === 'string' ? before + value : value;
    } else {
      container[step] ??= /^\d+$/.test(next) ? [] : {};
      container = container[step] as Container;
    }
  });
}

function toFinishReason(value: string, hasCalls: boolean): string {
  if (value === 'MAX_TOKENS') return 'length';
  if (FILTERED.test(value)) return 'content_filter';
  return hasCalls ? 'tool_calls' : 'stop';
}

function readUsage(usage: Usage): ReadUsage {
  const thoughts = usage.thoughtsTokenCount ?? 0;
  return {
    prompt: (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0),
    completion: (usage.candidatesTokenCount ?? 0) + thoughts,
    cached: usage.cachedContentTokenCount ?? 0,
    cacheWrite: 0,
    reasoning: thoughts,
  };
}
