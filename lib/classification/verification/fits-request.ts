import type { ChatCompletion, ValidatedChatRequest } from '../../chat/index.js';
import { fitsSchema } from './fits-schema.js';

/** What JSON the request asks for; undefined: words. Instructor writes the schema beside `json_object`. */
function wantedOf(request: ValidatedChatRequest): { readonly schema: unknown } | undefined {
  const format = request.response_format;
  if (format?.type === 'json_schema') return { schema: format.json_schema.schema };
  if (format?.type !== 'json_object') return undefined;
  const { schema } = format as { readonly schema?: unknown };
  return { schema: schema ?? { type: 'object' } };
}

function parsed(content: string | null): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(content ?? '') };
  } catch {
    return undefined;
  }
}

/** A model that refuses, or that calls a tool, answers otherwise. */
function isMeantAsJson({ message }: ChatCompletion['choices'][number]): boolean {
  const hasCalls = (message.tool_calls?.length ?? 0) > 0;
  const hasRefused = typeof message.refusal === 'string' && (message.content ?? '') === '';
  return !hasCalls && !hasRefused;
}

/** Whether each choice is the JSON that the request asks for; undefined: none is meant to be JSON. */
export function fitsRequest(answer: ChatCompletion, request: ValidatedChatRequest): boolean | undefined {
  const wanted = wantedOf(request);
  const choices = wanted === undefined ? [] : answer.choices.filter(isMeantAsJson);
  if (wanted === undefined || choices.length === 0) return undefined;
  return choices.every(({ message }) => {
    const json = parsed(message.content);
    return json !== undefined && fitsSchema(json.value, wanted.schema);
  });
}
