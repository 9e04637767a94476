import type { JsonObject } from '../json-reading.js';

/**
 * The messages in strict turns: all system messages first, as one, and neighbours of the same role joined. What is lost:
 * where in the conversation a later system message stood.
 */
export function withAlternatingTurns(messages: readonly JsonObject[]): readonly JsonObject[] {
  const system = messages.filter(({ role }) => role === 'system');
  const others = messages.filter(({ role }) => role !== 'system');
  const turns: JsonObject[] = [];
  for (const message of [...system, ...others]) {
    const last = turns.at(-1);
    const isJoinable = last?.role === message.role && (message.role !== 'assistant' || !hasCalls(last));
    if (last !== undefined && isJoinable && message.role !== 'tool' && !hasCalls(message)) {
      turns[turns.length - 1] = { ...last, content: joined(last.content, message.content) };
    } else {
      turns.push(message);
    }
  }
  return turns;
}

function hasCalls(message: JsonObject | undefined): boolean {
  return Array.isArray(message?.tool_calls) && message.tool_calls.length > 0;
}

function joined(one: unknown, other: unknown): unknown {
  if (typeof one === 'string' && typeof other === 'string') return `${one}\n\n${other}`;
  return [...partsOf(one), ...partsOf(other)];
}

function partsOf(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  return typeof content === 'string' && content !== '' ? [{ type: 'text', text: content }] : [];
}
