import type { RequestedJson } from './requested-schema.js';

/** What a JSON schema comes to in words, where neither the wire nor a tool can say it; undefined where there is none. */
export function schemaInstruction(json: RequestedJson | undefined): string | undefined {
  if (json?.schema === undefined) return undefined;
  return [
    'Answer with one JSON object and nothing else. It must be valid against this JSON schema:',
    JSON.stringify(json.schema),
    ...(json.description === undefined ? [] : [json.description]),
  ].join('\n');
}
