import type { SharedV3ProviderOptions } from '@ai-sdk/provider';
import type { ReasoningDetail } from '../chat-extensions.js';
import { isJsonObject, nonEmptyTextOf, objectOf } from '../json-reading.js';
import { readReasoningDetails } from '../reasoning-details.js';
import { CLAUDE_FORMAT, GEMINI_FORMAT } from './from-ai-sdk-metadata.js';

/** What stands beside a part of a prompt; left out where there is nothing to say. */
export interface PartOptions {
  readonly providerOptions?: SharedV3ProviderOptions;
}

/** Thinking of an assistant message of the history. */
export interface GivenBackReasoning extends PartOptions {
  /** Its place among the blocks of its answer. */
  readonly index: number;
  readonly text: string;
}

/** Hosts of several makers' models are among them: what is not for the model that is asked they leave out themselves. */
const READS_CLAUDE = /anthropic|claude|bedrock|gateway/i;
const READS_GEMINI = /google|vertex|gemini|gateway/i;

/**
 * The thinking that an assistant message brings back: `reasoning_details` with their signatures, where the model can
 * read them, under the names its provider may have; otherwise the bare text of `reasoning_content`, which DeepSeek and
 * others want back. Where there are signatures of another maker the text is that maker's too, and stays away.
 *
 * @param reader - The names of the model that is asked, and of its provider.
 */
export function toAiSdkReasoning(message: object, reader: string): GivenBackReasoning[] {
  const claude = readReasoningDetails(message, CLAUDE_FORMAT).flatMap((detail) => fromClaude(detail));
  const gemini = readReasoningDetails(message, GEMINI_FORMAT).flatMap((detail) => fromGemini(detail));
  if (claude.length > 0 || gemini.length > 0) {
    return [...(READS_CLAUDE.test(reader) ? claude : []), ...(READS_GEMINI.test(reader) ? gemini : [])].sort(
      (one, other) => one.index - other.index,
    );
  }
  const text = 'reasoning_content' in message ? nonEmptyTextOf(message.reasoning_content) : undefined;
  return text === undefined ? [] : [{ index: 0, text }];
}

function fromClaude({ type, index, text, signature, data }: ReasoningDetail): GivenBackReasoning[] {
  if (type === 'reasoning.encrypted') {
    return data ? [{ index, text: '', providerOptions: ofClaude({ redactedData: data }) }] : [];
  }
  return signature ? [{ index, text: text ?? '', providerOptions: ofClaude({ signature }) }] : [];
}

function fromGemini({ index, text, signature }: ReasoningDetail): GivenBackReasoning[] {
  return signature ? [{ index, text: text ?? '', providerOptions: ofGemini(signature) }] : [];
}

function ofClaude(fields: Record<string, string>): SharedV3ProviderOptions {
  return { anthropic: fields, bedrock: fields };
}

function ofGemini(thoughtSignature: string): SharedV3ProviderOptions {
  return { google: { thoughtSignature }, vertex: { thoughtSignature } };
}

/** The signature that came with a tool call or a text, where Google's own OpenAI endpoint puts it too. */
export function toSignatureOptions(carrier: object): PartOptions {
  const extraContent = 'extra_content' in carrier ? objectOf(carrier.extra_content) : undefined;
  const signature = nonEmptyTextOf(objectOf(extraContent?.google)?.thought_signature);
  return signature === undefined ? {} : { providerOptions: ofGemini(signature) };
}

/** OpenAI clients that know Anthropic put its cache marks into content parts and tools. */
export function toCacheOptions(carrier: object): PartOptions {
  const mark: unknown = 'cache_control' in carrier ? carrier.cache_control : undefined;
  if (!isJsonObject(mark) || mark.type !== 'ephemeral') return {};
  const ttl = nonEmptyTextOf(mark.ttl);
  return {
    providerOptions: { anthropic: { cacheControl: { type: 'ephemeral', ...(ttl ? { ttl } : {}) } } },
  };
}
