import { isJsonObject, listOf } from './json-reading.js';

/** The entries of a Responses request's `include` that change an answer of the router's. */
export type IncludedPart = 'reasoning.encrypted_content' | 'message.output_text.logprobs';

export function asksFor(body: unknown, part: IncludedPart): boolean {
  return isJsonObject(body) && listOf(body.include).includes(part);
}
