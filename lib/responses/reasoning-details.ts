import { isJsonObject, listOf, type JsonObject } from './json-reading.js';

/**
 * A piece of a model's thinking as OpenRouter's chat completions carry it (`reasoning_details`): text with its
 * signature, what a provider encrypted, or a summary.
 *
 * Source: OpenRouter, "Reasoning tokens", section on preserving reasoning blocks.
 */
export type ReasoningDetail = JsonObject & { readonly type: string };

const TEXT_FIELDS = ['type', 'text', 'data', 'summary', 'signature', 'format', 'id'] as const;
/** What grows from delta to delta; everything else is said once. */
const GROWING_FIELDS: ReadonlySet<string> = new Set(['text', 'data', 'summary']);
/** More pieces than any answer has: each is walked when the next comes. */
const MAX_DETAILS = 1_000;

/** The known fields of a detail, where their type is right: it comes from a provider, or back from a client. */
function readDetail(value: unknown): ReasoningDetail | undefined {
  if (!isJsonObject(value) || typeof value.type !== 'string' || !value.type.startsWith('reasoning.')) {
    return undefined;
  }
  const fields: Record<string, unknown> = {};
  for (const name of TEXT_FIELDS) if (typeof value[name] === 'string') fields[name] = value[name];
  if (Number.isSafeInteger(value.index)) fields.index = value.index;
  return fields as ReasoningDetail;
}

function isContinued(last: ReasoningDetail, next: ReasoningDetail): boolean {
  return last.type === next.type && last.index !== undefined && last.index === next.index;
}

function continued(last: ReasoningDetail, next: ReasoningDetail): ReasoningDetail {
  const fields: Record<string, unknown> = { ...last, ...next };
  for (const name of GROWING_FIELDS) {
    const [before, after] = [last[name], next[name]];
    if (typeof before === 'string' && typeof after === 'string') fields[name] = before + after;
  }
  return fields as ReasoningDetail;
}

/** Adds the pieces of a delta or an answer to those before: of one `index` and type in a row, they are one piece. */
export function addReasoningDetails(details: ReasoningDetail[], added: unknown): void {
  for (const value of listOf(added)) {
    const next = readDetail(value);
    if (next === undefined) continue;
    const last = details.at(-1);
    if (last !== undefined && isContinued(last, next)) details[details.length - 1] = continued(last, next);
    else if (details.length < MAX_DETAILS) details.push(next);
  }
}
