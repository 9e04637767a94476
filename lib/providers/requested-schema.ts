import type { ValidatedChatRequest } from '../chat/chat-types.js';
import { isJsonObject, objectOf, type JsonObject } from './json-reading.js';

/** The JSON that `response_format` asks for. */
export interface RequestedJson {
  /** Undefined: any object will do. */
  readonly schema: JsonObject | undefined;
  readonly description: string | undefined;
}

/**
 * Reads `response_format`; undefined where the client wants words. Takes instructor's `{ type: "json_object", schema }`
 * for a schema too.
 */
export function requestedJson(request: ValidatedChatRequest): RequestedJson | undefined {
  const format = request.response_format;
  if (format?.type === 'json_schema') {
    const { schema, description } = format.json_schema;
    return { schema: schema ?? {}, description };
  }
  if (format?.type === 'json_object') {
    const loose = objectOf(format)?.schema;
    return { schema: isJsonObject(loose) ? loose : undefined, description: undefined };
  }
  return undefined;
}
