import type { ValidatedChatRequest } from '../chat/index.js';
import { type WantedJson, wantedJson } from './wanted-json.js';

/** Longer questions are documents mostly, whose language says nothing of that of the answer. */
const MAX_QUESTION_CHARACTERS = 1_000;
/** Of what stands around the question so much is read. */
const MAX_AROUND_CHARACTERS = 2_048;
const MAX_EARLIER_TURNS = 2;
/** Instructions stand in front. */
const MAX_INSTRUCTIONS = 3;

/** What an answer may call. */
export interface OfferedTool {
  /** Undefined: a kind of tool that providers run themselves, or that is not known here. */
  readonly name: string | undefined;
  /** A JSON schema; undefined: whatever it likes, or no JSON. */
  readonly parameters: unknown;
  readonly isFunction: boolean;
}

/** `only`: one of these and no other; undefined: any that is offered. */
export interface ToolDemand {
  readonly mode: 'none' | 'auto' | 'required';
  readonly only: readonly string[] | undefined;
}

/**
 * What of a request its answer is held against, read off before the caller has the answer: who then goes on with the same
 * list of messages changes it. Holds text of the prompt: not to be kept beyond the answer.
 */
export interface AskedOfAnswer {
  readonly wanted: WantedJson | undefined;
  /** Read where the answer calls any. */
  readonly tools: () => readonly OfferedTool[];
  readonly toolDemand: ToolDemand;
  /** The last user turn; undefined: none, or too long to say anything. */
  readonly question: string | undefined;
  /** User turns before it, the last first, and the instructions. Bounded. */
  readonly around: readonly string[];
}

interface OlderFields {
  readonly functions?: readonly { readonly name: string; readonly parameters?: unknown }[] | null;
  readonly function_call?: 'none' | 'auto' | { readonly name: string } | null;
}

type Message = ValidatedChatRequest['messages'][number];

/** Of a message's text no more than so much. */
function textOf({ content }: Message, maxCharacters: number): string {
  if (typeof content === 'string') return content.slice(0, maxCharacters);
  if (!Array.isArray(content)) return '';
  let text = '';
  for (const part of content) {
    if (part.type === 'text') text += `${text === '' ? '' : '\n'}${part.text.slice(0, maxCharacters)}`;
    if (text.length >= maxCharacters) break;
  }
  return text.slice(0, maxCharacters);
}

function toolsOf(
  tools: ValidatedChatRequest['tools'],
  functions: OlderFields['functions'],
): readonly OfferedTool[] {
  return [
    ...(tools ?? []).map((tool): OfferedTool => {
      if (tool.type === 'function') {
        return { name: tool.function.name, parameters: tool.function.parameters, isFunction: true };
      }
      const { custom } = tool as { readonly custom?: { readonly name: string } };
      return { name: custom?.name, parameters: undefined, isFunction: false };
    }),
    ...(functions ?? []).map(({ name, parameters }) => ({ name, parameters, isFunction: true })),
  ];
}

const NO_DEMAND: ToolDemand = { mode: 'auto', only: undefined };

function toolDemandOf(request: ValidatedChatRequest): ToolDemand {
  const older = (request as OlderFields).function_call;
  const choice = request.tool_choice ?? (typeof older === 'object' ? undefined : older);
  if (choice === undefined) {
    return typeof older === 'object' && older !== null ? { mode: 'required', only: [older.name] } : NO_DEMAND;
  }
  if (typeof choice === 'string') return { mode: choice, only: undefined };
  if (choice.type === 'function') return { mode: 'required', only: [choice.function.name] };
  if (choice.type === 'custom') return { mode: 'required', only: [choice.custom.name] };
  const { mode, tools } = choice.allowed_tools;
  const named = tools as readonly {
    readonly function?: { name?: string };
    readonly custom?: { name?: string };
  }[];
  const names = named.map((tool) => tool.function?.name ?? tool.custom?.name);
  // Of a list that is not understood nothing is demanded.
  return { mode, only: names.every((name) => name !== undefined) ? names : undefined };
}

export function askedOfAnswer(request: ValidatedChatRequest): AskedOfAnswer {
  const { messages, tools } = request;
  const { functions } = request as OlderFields;
  let question: string | undefined;
  const around: string[] = [];
  for (let index = messages.length - 1; index >= 0 && around.length < MAX_EARLIER_TURNS; index -= 1) {
    const message = messages[index];
    if (message?.role !== 'user') continue;
    if (question === undefined) question = textOf(message, MAX_QUESTION_CHARACTERS + 1);
    else around.push(textOf(message, MAX_AROUND_CHARACTERS));
  }
  for (const message of messages.slice(0, MAX_INSTRUCTIONS)) {
    if (message.role === 'system' || message.role === 'developer') {
      around.push(textOf(message, MAX_AROUND_CHARACTERS));
    }
  }
  return {
    wanted: wantedJson(request),
    tools: () => toolsOf(tools, functions),
    toolDemand: toolDemandOf(request),
    question: question !== undefined && question.length <= MAX_QUESTION_CHARACTERS ? question : undefined,
    around,
  };
}
