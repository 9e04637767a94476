import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createAiSdkDriver } from './ai-sdk.driver.js';

/** The AI SDK's provider for everything in OpenAI's shape. */
export const aiSdkCompatibleDriver = createAiSdkDriver({
  name: '@ai-sdk/openai-compatible',
  mayLeaveUsageOut: true,
  create: ({ baseUrl, apiKey, model }, includeUsage) =>
    createOpenAICompatible({
      name: 'router',
      baseURL: baseUrl,
      apiKey,
      includeUsage,
      supportsStructuredOutputs: true,
    })(model),
});
