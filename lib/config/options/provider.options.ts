import { IsOptional, Matches } from '../class-validator.js';
import { GOOGLE_CLOUD_LOCATION } from '../google-cloud-location.js';
import { GOOGLE_CLOUD_PROJECT } from '../google-cloud-project.js';
import { NotSupportedYet } from '../section.decorators.js';
import { IsBaseUrl, IsFlag, IsName, IsOneOf } from '../validators.js';

/**
 * A wire format of this version.
 *
 * @publicApi
 */
export type ProviderApiName =
  'openai' | 'openai-compatible' | 'azure-openai' | 'anthropic' | 'gemini' | 'vertex';

export const PROVIDER_API_NAMES = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'gemini',
  'vertex',
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

  /**
   * The key, best as `${NAME}` of an environment variable. May be left out where `baseUrl` is set. Of Vertex AI a key of
   * its express mode, which knows no `project` and no Claude; without one, Google's application default credentials.
   */
  @IsOptional()
  @IsName(8_192)
  apiKey?: string;

  /**
   * Where it is, as the vendor's SDK has it: OpenAI's ends in `/v1`, the others carry no version. Of Azure OpenAI the
   * resource's endpoint: `https://NAME.openai.azure.com` or `https://NAME.services.ai.azure.com`, with `/openai/v1` or
   * without.
   *
   * @defaultValue the vendor's own, at Vertex AI the one of the `location`; required for `openai-compatible` and
   * `azure-openai`
   */
  @IsOptional()
  @IsBaseUrl()
  baseUrl?: string;

  /**
   * `api-version` of Azure OpenAI: a date such as `2024-10-21` or `2025-04-01-preview` for the API with deployments in
   * the path, `v1` or `preview` for the v1 API.
   *
   * @defaultValue none: the v1 API, which wants no version
   */
  @IsOptional()
  @Matches(/^(?:\d{4}-\d{2}-\d{2}(?:-preview)?|v1|preview)$/, {
    message: 'must be "v1", "preview", or a date such as "2024-10-21" or "2025-04-01-preview"',
  })
  apiVersion?: string;

  /** A PEM file of certificate authorities trusted for this provider beside the usual ones. */
  @IsOptional()
  @IsName(4_096)
  caFile?: string;

  /**
   * Project of Google Cloud that Vertex AI's calls go to.
   *
   * @defaultValue `GOOGLE_CLOUD_PROJECT` or `GCLOUD_PROJECT` of the environment, or the credentials' own
   */
  @IsOptional()
  @Matches(GOOGLE_CLOUD_PROJECT, { message: 'must be the id of a Google Cloud project' })
  project?: string;

  /**
   * Where Vertex AI's models run: `global`, a region such as `europe-west4`, or a multi-region, `us` or `eu`.
   *
   * @defaultValue `GOOGLE_CLOUD_LOCATION` of the environment, or `global`
   */
  @IsOptional()
  @Matches(GOOGLE_CLOUD_LOCATION, {
    message: 'must be "global", "us", "eu", or a region such as "us-central1"',
  })
  location?: string;

  /**
   * Pass `gs://` addresses of images and files in requests on to Vertex AI's Gemini. Google reads them with this
   * provider's own rights, so whoever may send requests may have every object shown that these credentials can read.
   *
   * @defaultValue false: a request with such an address is refused
   */
  @IsOptional()
  @IsFlag()
  bucketFiles?: boolean;
}
