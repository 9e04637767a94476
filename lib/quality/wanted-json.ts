import type { ValidatedChatRequest } from '../chat/index.js';
import { fitsSchema } from './fits-schema.js';

/** The JSON that a request asks for in place of words. */
export interface WantedJson {
  readonly schema: unknown;
}

/** Undefined: words. Instructor writes the schema beside `json_object`. */
export function wantedJson(request: ValidatedChatRequest): WantedJson | undefined {
  const format = request.response_format;
  if (format?.type === 'json_schema') return { schema: format.json_schema.schema };
  if (format?.type !== 'json_object') return undefined;
  const { schema } = format as { readonly schema?: unknown };
  return { schema: schema ?? { type: 'object' } };
}

/** Whether a text is JSON, and fits what is wanted of it. */
export function isFittingJson(text: string, { schema }: WantedJson): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  return fitsSchema(value, schema);
}
