import { createOpenAICompatible, type OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';
import { IN_PROCESS_BASE_URL, type RouterClientOptions } from '../router/router-client-options.js';
import type { RouterFetch } from '../router/router-fetch.js';
import type { RouterService } from '../router/router.service.js';
import { theRunningRouter } from '../router/running-routers.js';
import { honourShouldRetry } from './honour-should-retry.js';

/**
 * The AI SDK's `LanguageModel`, of the version that your `@ai-sdk/openai-compatible` is made for.
 *
 * @publicApi
 */
export type RouterLanguageModel = ReturnType<OpenAICompatibleProvider['chatModel']>;

/**
 * A model for the AI SDK (`generateText`, `streamText`, `generateObject` …) that runs over the router, in process. The
 * surface is that of the handler that calls.
 *
 * @param name - `auto`, a rule's name or a model's.
 * @param source - Whose router: a `RouterService`, or its `clientOptions({ surface, … })` where what they say shall
 * win over the handler. Left out: the one router that runs in this process when the model is called.
 * @throws Error, when it is called, where none or several run.
 *
 * @example
 * ```ts
 * import { generateText } from 'ai';
 * import { routerModel } from 'nestjs-llm-router/ai-sdk';
 *
 * const { text } = await generateText({ model: routerModel('auto'), prompt: 'What is the capital of France?' });
 * ```
 * @publicApi
 */
export function routerModel(
  name = 'auto',
  source?: RouterService | RouterClientOptions,
): RouterLanguageModel {
  const provider = createOpenAICompatible({
    name: 'nestjs-llm-router',
    baseURL: IN_PROCESS_BASE_URL,
    fetch: fetchOf(source),
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return honourShouldRetry(provider.chatModel(name));
}

function fetchOf(source: RouterService | RouterClientOptions | undefined): RouterFetch {
  // A model is often made when its file is loaded, long before the application: the router is looked for at the call.
  if (source === undefined) {
    return async (input, init) => theRunningRouter().clientOptions().fetch(input, init);
  }
  return 'fetch' in source ? source.fetch : source.clientOptions().fetch;
}
