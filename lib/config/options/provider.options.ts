import { IsOptional } from 'class-validator';
import { NotSupportedYet } from '../section.decorators.js';
import { IsBaseUrl, IsName, IsOneOf } from '../validators.js';

/**
 * A wire format of this version.
 *
 * @publicApi
 */
export type ProviderApiName = 'openai' | 'openai-compatible' | 'anthropic' | 'gemini';

export const PROVIDER_API_NAMES = [
  'openai',
  'openai-compatible',
  'anthropic',
  'gemini',
] as const satisfies readonly ProviderApiName[];

/**
 * An upstream API account.
 *
 * @publicApi
 */
@NotSupportedYet({ apiKeys: 'give one `apiKey`', region: '', retention: '', quirks: '' })
export class ProviderOptions {
  /** Its wire format. */
  @IsOneOf(PROVIDER_API_NAMES)
  api!: ProviderApiName;

  /** The key, best as `${NAME}` of an environment variable. May be left out where `baseUrl` is set. */
  @IsOptional()
  @IsName(8_192)
  apiKey?: string;

  /**
   * Where it is, as the vendor's SDK has it: OpenAI's ends in `/v1`, the others carry no version.
   *
   * @defaultValue the vendor's own; required for `openai-compatible`
   */
  @IsOptional()
  @IsBaseUrl()
  baseUrl?: string;

  /** A PEM file of certificate authorities trusted for this provider beside the usual ones. */
  @IsOptional()
  @IsName(4_096)
  caFile?: string;
}
