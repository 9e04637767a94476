import type { ProviderQuirks } from '../../catalog/index.js';
import { BEDROCK_REASONING_FORMAT } from '../bedrock/reasoning-details.js';
import { nonEmptyTextOf, objectOf, type JsonObject } from '../json-reading.js';

const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details'] as const;

/**
 * An assistant message with the thinking it was answered with where the provider wants it, and without it elsewhere.
 * Which field it comes in does not matter: answers of the router have it in `reasoning_content`.
 *
 * @param isThinking - The model thinks. Only such a one takes thinking as a part of the content, and refuses a history
 * without.
 */
export function withReplayedReasoning(
  message: JsonObject,
  quirks: ProviderQuirks,
  isThinking: boolean,
): JsonObject {
  if (message.role !== 'assistant') return message;
  const thinking = nonEmptyTextOf(message.reasoning_content) ?? nonEmptyTextOf(message.reasoning);
  const rest: JsonObject = Object.fromEntries(
    Object.entries(message).filter(([name]) => !REASONING_FIELDS.some((field) => field === name)),
  );
  switch (quirks.replaysReasoning) {
    case 'never':
      return rest;
    case 'as_part':
      return thinking === undefined || !isThinking
        ? rest
        : { ...rest, content: contentAfter(thinking, rest) };
    case 'in_fields': {
      const text = thinking ?? (isThinking ? standInFor(message, quirks) : undefined);
      return { ...rest, ...fieldsOf(text, message, quirks) };
    }
  }
}

/** A content that has its thinking already (recorded so from Mistral) stays as it is. */
function contentAfter(thinking: string, { content }: JsonObject): unknown {
  const parts: readonly unknown[] = Array.isArray(content)
    ? content
    : typeof content === 'string' && content !== ''
      ? [{ type: 'text', text: content }]
      : [];
  const hasThinking = parts.some(
    (part) => typeof part === 'object' && part !== null && 'type' in part && part.type === 'thinking',
  );
  return hasThinking
    ? content
    : [{ type: 'thinking', thinking: [{ type: 'text', text: thinking }] }, ...parts];
}

function standInFor(message: JsonObject, { missingReasoning }: ProviderQuirks): string | undefined {
  const hasCalls = Array.isArray(message.tool_calls) && message.tool_calls.length > 0;
  return missingReasoning?.turns === 'all' || hasCalls ? missingReasoning?.text : undefined;
}

/**
 * The list without what Bedrock's Converse signed: the name of that format is our own, and nobody else can read it. None
 * where nothing else is in it.
 */
function detailsOf(details: unknown): readonly unknown[][] {
  if (!Array.isArray(details)) return [];
  const known = details.filter(
    (detail: unknown) => objectOf(detail)?.format !== BEDROCK_REASONING_FORMAT,
  ) as unknown[];
  return known.length === 0 && details.length > 0 ? [] : [known];
}

function fieldsOf(text: string | undefined, message: JsonObject, quirks: ProviderQuirks): JsonObject {
  const { reasoning_details: details } = message;
  return Object.fromEntries(
    quirks.reasoningFields.flatMap((field): [string, unknown][] => {
      if (field === 'reasoning_details') return detailsOf(details).map((known) => [field, known]);
      return text === undefined ? [] : [[field, text]];
    }),
  );
}
