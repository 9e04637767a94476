import type { JsonRecord } from './json-value.js';
import type { UpstreamReply } from './scripted-upstream.interface.js';
import type { SeededRandom } from './seeded-random.js';
import { countCharacters, estimateTokens } from './token-estimate.js';
import type { UpstreamAnswer, UpstreamReading } from './upstream-wire.interface.js';

/** Makes an answer of what the model is to say. */
export function composeAnswer(
  reply: UpstreamReply,
  reading: UpstreamReading,
  body: JsonRecord,
  identifier: string,
  random: SeededRandom,
): UpstreamAnswer {
  const text = reply.text ?? '';
  const toolCalls = (reply.toolCalls ?? []).map((call) => ({ ...call, identifier: random.identifier(22) }));
  const finish = reply.finish ?? 'stop';
  const said =
    text.length +
    toolCalls.reduce((sum, call) => sum + call.name.length + JSON.stringify(call.arguments).length, 0);
  const estimated = {
    promptTokens: Math.max(estimateTokens(countCharacters(reading.prompt)), 1),
    completionTokens: estimateTokens(said) * reading.choices,
  };
  return {
    identifier,
    createdSeconds: Math.floor(Date.now() / 1000),
    model: reading.model,
    text,
    thinking: reply.thinking ?? '',
    toolCalls,
    finish: finish === 'stop' && toolCalls.length > 0 ? 'tool_calls' : finish,
    usage: { cachedTokens: 0, ...estimated, ...reply.usage },
    choices: reading.choices,
    body,
  };
}
