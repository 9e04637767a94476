import { PRESET_NAMES, type PresetName } from '../../catalog/index.js';
import { IsOptional, Matches } from '../class-validator.js';
import { GOOGLE_CLOUD_LOCATION } from '../google-cloud-location.js';
import { GOOGLE_CLOUD_PROJECT } from '../google-cloud-project.js';
import { NotSupportedYet } from '../section.decorators.js';
import { AWS_REGION_PATTERN } from '../aws-region-pattern.js';
import {
  IsAmount,
  IsBaseUrl,
  IsFlag,
  IsFunction,
  IsKeyOrCallback,
  IsKeysOrCallback,
  IsName,
  IsOneOf,
} from '../validators.js';
import type { AiSdkLanguageModel } from './ai-sdk-language-model.js';

/**
 * A wire format of this version, or a provider that speaks OpenAI's with known habits of its own; `ai-sdk` is none, but a
 * model of the AI SDK, whose provider has a wire of its own.
 *
 * @publicApi
 */
export type ProviderApiName =
  | 'openai'
  | 'openai-compatible'
  | 'azure-openai'
  | 'anthropic'
  | 'gemini'
  | 'vertex'
  | 'bedrock'
  | 'ai-sdk'
  | PresetName;

export const PROVIDER_API_NAMES = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'gemini',
  'vertex',
  'bedrock',
  'ai-sdk',
  ...PRESET_NAMES,
] as const satisfies readonly ProviderApiName[];

/**
 * An upstream API account.
 *
 * @publicApi
 */
@NotSupportedYet({ retention: 'use `retentionDays`', quirks: '' })
export class ProviderOptions {
  /**
   * Its wire format: `openai`, `anthropic`, `gemini`, `azure-openai`; the name of a provider whose habits are known
   * (`mistral`, `groq`, `deepseek`, `xai`, `openrouter`, `together`, `fireworks`, `cerebras`, `perplexity`, `alibaba`,
   * `moonshot`, `zai`, `huggingface`, `ollama`, `vllm`), which brings its base URL; or `openai-compatible` for any other
   * server that imitates OpenAI's. One of those at a known provider's host is treated as that provider.
   */
  @IsOneOf(PROVIDER_API_NAMES)
  api!: ProviderApiName;

  /**
   * The key, best as `${NAME}` of an environment variable. May be left out where `baseUrl` is set, and for `ollama` and
   * `vllm`. For `bedrock` a Bedrock API key, by default `AWS_BEARER_TOKEN_BEDROCK`; without one, requests are signed with
   * the credentials of AWS's default chain. For `vertex` a key of its express mode, which knows no `project` and no
   * Claude; without one, Google's application default credentials.
   *
   * In code also a function that gives the key, which is then rotated without a restart: asked at the first call, once a
   * minute from then on, and at once after the key was refused. While it throws or hangs the last key stays in use.
   *
   * @example
   * ```ts
   * providers: { openai: { api: 'openai', apiKey: () => secrets.read('openai-key') } }
   * ```
   */
  @IsOptional()
  @IsKeyOrCallback()
  apiKey?: string | (() => string | Promise<string>);

  /**
   * Several keys in place of `apiKey`, or in code a function that gives them. Each call takes the one with the most left
   * of its rate limits, of those that are alike the one with the fewest calls under way. One that gets a 429 rests alone;
   * one that is refused is taken out, which the provider's health and a warning in the log tell, and tried again by one
   * call after a minute, later after up to ten.
   *
   * @example
   * ```yaml
   * openai: { api: openai, apiKeys: ['${OPENAI_KEY_A}', '${OPENAI_KEY_B}'] }
   * ```
   */
  @IsOptional()
  @IsKeysOrCallback()
  apiKeys?: string[] | (() => string[] | Promise<string[]>);

  /**
   * Where it is, as the vendor's SDK has it: OpenAI's ends in `/v1`, the others carry no version. Of Azure OpenAI the
   * resource's endpoint: `https://NAME.openai.azure.com` or `https://NAME.services.ai.azure.com`, with `/openai/v1` or
   * without.
   *
   * @defaultValue the vendor's own, of `bedrock` the region's, of `vertex` the location's; required for
   * `openai-compatible` and `azure-openai`
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

  /**
   * Region of AWS, for api `bedrock` alone: `us-east-1`. It makes the base URL, and requests are signed for it.
   *
   * @defaultValue the one in `baseUrl`, or `AWS_REGION`, or `AWS_DEFAULT_REGION`
   */
  @IsOptional()
  @Matches(AWS_REGION_PATTERN, { message: 'must be a region of AWS such as "us-east-1"' })
  region?: string;

  /** For so many days it keeps prompts, for surfaces that allow so many: 0 where it does not keep them. */
  @IsOptional()
  @IsAmount()
  retentionDays?: number;

  /** A PEM file of certificate authorities trusted for this provider beside the usual ones. */
  @IsOptional()
  @IsName(4_096)
  caFile?: string;

  /**
   * Of `ai-sdk` alone, and required there: makes the AI SDK's model of a name (`upstreamModel`). It is called once for
   * each name. Keys, addresses and settings live in the provider it calls. A function cannot come out of a file.
   *
   * @example
   * ```ts
   * providers: { cohere: { api: 'ai-sdk', languageModel: (modelId) => cohere(modelId) } }
   * ```
   */
  @IsOptional()
  @IsFunction()
  languageModel?: (modelId: string) => AiSdkLanguageModel;

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
