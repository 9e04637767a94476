import { IsOptional } from '../class-validator.js';
import { IsCount, IsName } from '../validators.js';

/**
 * A file of what became of each request, a line of JSON each: for `npx nestjs-llm-router replay`, and for whoever wants to
 * count. It holds labels, times, tokens and dollars; no prompt, no answer, no key.
 *
 * @publicApi
 */
export class RequestLogOptions {
  /** Where it is written; its directory is made where it is missing. One process a file. */
  @IsName(4_096)
  file!: string;

  /**
   * Beyond it the file is put aside as `<file>.1`, and the one that was there as `<file>.2`, as far as `maxFiles` goes.
   *
   * @defaultValue 67108864 (64 MB, some 60,000 requests)
   */
  @IsOptional()
  @IsCount(4_096)
  maxBytes?: number;

  /**
   * So many files are kept beside the one that is written; the oldest is written over. Where a surface has `provenance`,
   * choose it for as long as its decisions must be kept, or take the files away yourself before.
   *
   * @defaultValue 1
   */
  @IsOptional()
  @IsCount(1, 10_000)
  maxFiles?: number;
}
