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

/** Whether each choice is the JSON that the request asks for. What asks for words, or was answered by a tool call, fits. */
export function fitsRequest(answer: ChatCompletion, request: ValidatedChatRequest): boolean {
  const wanted = wantedOf(request);
  if (wanted === undefined) return true;
  return answer.choices.every(({ message }) => {
    if ((message.tool_calls?.length ?? 0) > 0) return true;
    const json = parsed(message.content);
    return json !== undefined && fitsSchema(json.value, wanted.schema);
  });
}
