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
   * Beyond it the file is put aside as `<file>.1`, in the place of the one put aside before: two files of that size at most.
   *
   * @defaultValue 67108864 (64 MB, some 60,000 requests)
   */
  @IsOptional()
  @IsCount(4_096)
  maxBytes?: number;
}
