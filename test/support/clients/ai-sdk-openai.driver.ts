import { createOpenAI } from '@ai-sdk/openai';
import { createAiSdkDriver } from './ai-sdk.driver.js';

/** The AI SDK's provider for OpenAI itself, by its chat completions. */
export const aiSdkOpenAiDriver = createAiSdkDriver({
  name: '@ai-sdk/openai',
  mayLeaveUsageOut: false,
  create: ({ baseUrl, apiKey, model }) => createOpenAI({ baseURL: baseUrl, apiKey }).chat(model),
});
