import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import type { JsonObject } from '../json-reading.js';
import { requestedJson } from '../requested-schema.js';
import { schemaInstruction } from '../schema-instruction.js';

/**
 * A JSON schema for a provider that has no `json_schema`: the schema stands in the system message (the first, or one
 * made for it), and any JSON object is asked for. What is lost: nobody but the model itself holds the answer to the
 * schema. Other requests stay as they are.
 */
export function withSchemaInstruction(
  messages: readonly JsonObject[],
  request: ValidatedChatRequest,
): { readonly messages: readonly JsonObject[]; readonly responseFormat?: JsonObject } {
  const instruction = schemaInstruction(requestedJson(request));
  if (instruction === undefined) return { messages };
  return {
    messages: withSystemText(messages, instruction),
    responseFormat: { type: 'json_object' },
  };
}

function withSystemText(messages: readonly JsonObject[], text: string): readonly JsonObject[] {
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  const content = Array.isArray(first.content)
    ? [...(first.content as readonly unknown[]), { type: 'text', text }]
    : typeof first.content === 'string' && first.content !== ''
      ? `${first.content}\n\n${text}`
      : text;
  return [{ ...first, content }, ...rest];
}
