import type { ResponseOutputText } from 'openai/resources/responses/responses';
import { isJsonObject, listOf, objectOf, type JsonObject } from './json-reading.js';

type Logprob = NonNullable<ResponseOutputText['logprobs']>[number];

function isToken(value: unknown): value is JsonObject & { token: string; logprob: number } {
  return isJsonObject(value) && typeof value.token === 'string' && Number.isFinite(value.logprob);
}

/** Chat completions leave the bytes out of special tokens; a response has a list in every case. */
function bytesOf({ token, bytes }: JsonObject & { token: string }): number[] {
  return Array.isArray(bytes) && bytes.every(Number.isSafeInteger)
    ? (bytes as number[])
    : [...Buffer.from(token, 'utf8')];
}

/**
 * The log probabilities of a choice (`logprobs.content`) as those of an output text.
 *
 * Source: OpenAI API reference, Responses, `output_text.logprobs`.
 */
export function fromChatLogprobs(logprobs: unknown): Logprob[] {
  return listOf(objectOf(logprobs).content)
    .filter(isToken)
    .map((token) => ({
      token: token.token,
      logprob: token.logprob,
      bytes: bytesOf(token),
      top_logprobs: listOf(token.top_logprobs)
        .filter(isToken)
        .map((top) => ({ token: top.token, logprob: top.logprob, bytes: bytesOf(top) })),
    }));
}
