import type { TokenUsage, ValidatedChatRequest } from '../chat/index.js';
import type { PolicyDeployment, WarmPrompt } from '../planning/index.js';
import { BoundedMemory } from './bounded-memory.js';

type Message = ValidatedChatRequest['messages'][number];

/**
 * Providers keep a prompt warm for five minutes at least after its last use: Anthropic for exactly that
 * (docs.claude.com, prompt caching), OpenAI for five to ten (platform.openai.com, prompt caching).
 */
const WARM_MS = 300_000;
/** No provider caches a shorter prompt. */
export const MIN_CACHED_TOKENS = 1_024;
/** Of each message its beginning and its end are read: two that differ only between them are taken for the same. */
const READ_CHARACTERS = 256;
const MAX_ENTRIES = 20_000;
const MAX_BYTES = 16 * 2 ** 20;
const FNV_OFFSET = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;
const SECOND_SEED = 0x9e_37_79_b9;

interface Warmth {
  readonly deployment: string;
  readonly promptTokens: number;
}

/**
 * Remembers which deployment has the beginning of a conversation in its prompt cache. A conversation is known again by the
 * messages that it begins with: the longest beginning that was sent before counts. What it finds steers the ranking alone:
 * a mistake costs a few tokens at full price and nothing else. Each tenant has its own; bounded in entries, bytes and time,
 * no prompt text is kept.
 */
export class PromptAffinity {
  readonly #warm = new BoundedMemory<Warmth>({
    maxEntries: MAX_ENTRIES,
    maxBytes: MAX_BYTES,
    ttlMs: WARM_MS,
  });

  get size(): number {
    return this.#warm.size;
  }

  /** Whose cache holds the longest beginning of this conversation; undefined: nobody's, as far as is known. */
  find(tenant: string, request: ValidatedChatRequest, nowMs: number): WarmPrompt | undefined {
    if (this.#warm.size === 0) return undefined;
    const keys = prefixKeys(tenant, request);
    for (let index = keys.length - 1; index >= 0; index -= 1) {
      const found = this.#warm.get(keys[index] ?? '', nowMs);
      if (found !== undefined) return { deployment: found.deployment, cachedTokens: found.promptTokens };
    }
    return undefined;
  }

  /** @param usage - What the provider reported of the answer. */
  remember(
    tenant: string,
    request: ValidatedChatRequest,
    deployment: PolicyDeployment,
    usage: TokenUsage,
    nowMs: number,
  ): void {
    if (usage.promptTokens < MIN_CACHED_TOKENS || !isCached(deployment, usage)) return;
    const key = prefixKeys(tenant, request).at(-1);
    if (key === undefined) return;
    this.#warm.set(key, { deployment: deployment.id, promptTokens: usage.promptTokens }, 64, nowMs);
  }
}

/**
 * Whether the provider keeps the prompt, and bills the next one less for it: it said so, or it does without being asked.
 * Who has a price for writing to the cache writes only what it is told to, and reports it.
 */
function isCached({ price }: PolicyDeployment, { cachedTokens, cacheWriteTokens }: TokenUsage): boolean {
  if (price?.cachedInputPer1M === undefined || price.cachedInputPer1M >= price.inputPer1M) return false;
  return cachedTokens > 0 || cacheWriteTokens > 0 || price.cacheWritePer1M === undefined;
}

/** A key for each beginning of the conversation, the shortest first. */
function prefixKeys(tenant: string, { messages, tools }: ValidatedChatRequest): string[] {
  const hash = new PrefixHash();
  hash.add(tenant);
  // Tools stand before the messages in every provider's cache.
  hash.add(String(tools?.length ?? 0));
  for (const tool of tools ?? []) hash.add(tool.type === 'function' ? tool.function.name : tool.type);
  return messages.map((message) => {
    addMessage(hash, message);
    return hash.read();
  });
}

function addMessage(hash: PrefixHash, message: Message): void {
  hash.add(message.role);
  const { content } = message;
  if (typeof content === 'string') hash.add(content);
  else for (const part of content ?? []) hash.add('text' in part ? part.text : part.type);
  if (message.role === 'assistant') for (const call of message.tool_calls ?? []) hash.add(call.id);
}

/** FNV-1a twice, with two seeds: 64 bits of a text's length, beginning and end. Fast, and no secret is kept by it. */
class PrefixHash {
  #first = FNV_OFFSET;
  #second = SECOND_SEED;

  add(text: string): void {
    this.mix(text.length & 0xff_ff);
    this.mix(text.length >>> 16);
    const end = Math.min(text.length, READ_CHARACTERS);
    for (let index = 0; index < end; index += 1) this.mix(text.charCodeAt(index));
    for (let index = Math.max(end, text.length - READ_CHARACTERS); index < text.length; index += 1) {
      this.mix(text.charCodeAt(index));
    }
  }

  read(): string {
    return `${(this.#first >>> 0).toString(36)}-${(this.#second >>> 0).toString(36)}`;
  }

  private mix(unit: number): void {
    this.#first = Math.imul(this.#first ^ unit, FNV_PRIME);
    this.#second = Math.imul(this.#second ^ (unit + 1), FNV_PRIME);
    this.#second ^= this.#second >>> 15;
  }
}
