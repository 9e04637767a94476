/**
 * What a provider of the AI SDK makes of a model's name: `LanguageModelV2` (AI SDK 5), `LanguageModelV3` (AI SDK 6) or
 * `LanguageModelV4` (AI SDK 7) of `@ai-sdk/provider`. Described by its shape, so that who has no such provider need not install that package.
 *
 * @publicApi
 */
export interface AiSdkLanguageModel {
  readonly specificationVersion: 'v2' | 'v3' | 'v4';
  /** The provider's own name, such as `cohere.chat`. */
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: never): PromiseLike<unknown>;
  doStream(options: never): PromiseLike<unknown>;
}
