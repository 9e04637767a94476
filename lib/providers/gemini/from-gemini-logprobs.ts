import type { ChatCompletion } from '../../chat/chat-types.js';
import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';

type Logprobs = NonNullable<ChatCompletion.Choice['logprobs']>;
type TokenLogprob = NonNullable<Logprobs['content']>[number];

/** A candidate's `logprobsResult` in OpenAI's form; null where there is none. */
export function fromGeminiLogprobs(value: unknown): Logprobs | null {
  const result = objectOf(value);
  const chosen = listOf(result?.chosenCandidates).filter(isJsonObject);
  if (chosen.length === 0) {
    return null;
  }
  const top = listOf(result?.topCandidates).map((entry) =>
    listOf(objectOf(entry)?.candidates).filter(isJsonObject),
  );
  return {
    content: chosen.map((candidate, position): TokenLogprob => {
      const token = toToken(candidate);
      return { ...token, top_logprobs: (top[position] ?? []).map(toToken) };
    }),
    refusal: null,
  };
}

function toToken(candidate: JsonObject): Omit<TokenLogprob, 'top_logprobs'> {
  const token = textOf(candidate.token) ?? '';
  const { logProbability } = candidate;
  const logprob = typeof logProbability === 'number' ? logProbability : 0;
  return {
    token,
    // JSON has no word for less: OpenAI writes so too.
    logprob: Number.isFinite(logprob) ? logprob : -9999,
    bytes: [...Buffer.from(token, 'utf8')],
  };
}
