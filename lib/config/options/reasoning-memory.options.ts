import { IsCount, IsFlag } from '../validators.js';

/**
 * What the router keeps of answers for clients that lose it: signed thinking of Claude, thought signatures of Gemini,
 * the thinking of others inside a turn. Models need it back with the results of their tools. Beside it, output items of
 * the Responses API, which clients may refer to by their ids. Kept in memory, by tenant.
 *
 * @publicApi
 */
export class ReasoningMemoryOptions {
  /** False: only what clients send back themselves (`reasoning_details`, `extra_content`). @defaultValue true */
  @IsFlag()
  enabled = true;

  /** Turns kept, and items, over all tenants. @defaultValue 10000 */
  @IsCount(1, 10_000_000)
  maxEntries = 10_000;

  /** Memory they may take together, half of it for what clients of the Responses API refer to. @defaultValue 33554432 (32 MB) */
  @IsCount(1_024, 4_294_967_296)
  maxBytes = 32 * 1024 * 1024;

  /** How long a turn is kept. @defaultValue 3600000 (an hour) */
  @IsCount(1_000, 604_800_000)
  ttlMs = 3_600_000;
}
