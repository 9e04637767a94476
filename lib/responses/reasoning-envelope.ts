import { isJsonObject, listOf, nonEmptyTextOf, objectOf, type JsonObject } from './json-reading.js';
import { addReasoningDetails, type ReasoningDetail } from './reasoning-details.js';

/** What a provider wants back of an assistant turn beside what it said. */
export interface ReasoningState {
  readonly details: ReasoningDetail[];
  /** By the id of the tool call: what belongs to that call alone (Google's thought signatures). */
  readonly toolCallExtras: Map<string, JsonObject>;
}

/** Told from what OpenAI itself puts there, and from what a later version of ours may. */
const VERSION = 1;
/** Of the encoded text. The thinking of the longest answers is some hundred kilobytes. */
const MAX_CHARACTERS = 1_048_576;
const MAX_TOOL_CALLS = 1_000;

export function emptyReasoningState(): ReasoningState {
  return { details: [], toolCallExtras: new Map() };
}

/** The part of a tool call's `extra_content` that is known to be wanted back. */
export function keptExtraContent(value: unknown): JsonObject | undefined {
  const signature = nonEmptyTextOf(objectOf(objectOf(value).google).thought_signature);
  return signature === undefined ? undefined : { google: { thought_signature: signature } };
}

/**
 * The state as a reasoning item's `encrypted_content`: opaque to clients, who hand it back unchanged, and so the place
 * where a router that stores nothing keeps it. It is not encrypted: it holds what the provider gave the client's own
 * answer. Base64url of JSON.
 *
 * @returns undefined where there is nothing to keep, or more than would be taken back.
 */
export function encodeReasoning({ details, toolCallExtras }: ReasoningState): string | undefined {
  if (details.length === 0 && toolCallExtras.size === 0) return undefined;
  const envelope = {
    router: VERSION,
    details,
    tool_calls: [...toolCallExtras].map(([id, extra]) => ({ id, extra })),
  };
  const text = Buffer.from(JSON.stringify(envelope), 'utf8').toString('base64url');
  return text.length > MAX_CHARACTERS ? undefined : text;
}

/**
 * Adds what an `encrypted_content` of ours holds. What is none (OpenAI's own, from before the client was moved over),
 * is broken or too large is left out: the thinking is lost then, and the conversation goes on.
 */
export function decodeReasoningInto(state: ReasoningState, encrypted: string): void {
  if (encrypted.length > MAX_CHARACTERS) return;
  const envelope = parse(Buffer.from(encrypted, 'base64url').toString('utf8'));
  if (!isJsonObject(envelope) || envelope.router !== VERSION) return;
  addReasoningDetails(state.details, envelope.details);
  for (const entry of listOf(envelope.tool_calls).slice(0, MAX_TOOL_CALLS)) {
    const { id, extra } = objectOf(entry);
    const kept = keptExtraContent(extra);
    if (typeof id === 'string' && kept !== undefined) state.toolCallExtras.set(id, kept);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
