import type { ChatCompletion, ValidatedChatRequest } from '../chat/index.js';
import { isFittingJson, wantedJson } from './wanted-json.js';

/** A model that refuses, or that calls a tool, answers otherwise. */
function isMeantAsJson({ message }: ChatCompletion['choices'][number]): boolean {
  const hasCalls = (message.tool_calls?.length ?? 0) > 0;
  const hasRefused = typeof message.refusal === 'string' && (message.content ?? '') === '';
  return !hasCalls && !hasRefused;
}

/** Whether each choice is the JSON that the request asks for; undefined: none is meant to be JSON. */
export function fitsRequest(answer: ChatCompletion, request: ValidatedChatRequest): boolean | undefined {
  const wanted = wantedJson(request);
  const choices = wanted === undefined ? [] : answer.choices.filter(isMeantAsJson);
  if (wanted === undefined || choices.length === 0) return undefined;
  return choices.every(({ message }) => isFittingJson(message.content ?? '', wanted));
}
