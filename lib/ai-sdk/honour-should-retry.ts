import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';

type Model = ReturnType<OpenAICompatibleProvider['chatModel']>;

/**
 * Makes the AI SDK heed `x-should-retry`: it judges by the status alone, and would ask again, after seconds, for what
 * the router has tried at every provider already.
 */
export function honourShouldRetry(model: Model): Model {
  const generate = model.doGenerate.bind(model);
  const stream = model.doStream.bind(model);
  model.doGenerate = async (options) => heeding(() => generate(options));
  model.doStream = async (options) => heeding(() => stream(options));
  return model;
}

async function heeding<Result>(call: () => PromiseLike<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (isRefusedForGood(error)) error.isRetryable = false;
    throw error;
  }
}

/** The AI SDK's `APICallError`, of whichever version. */
function isRefusedForGood(error: unknown): error is { isRetryable: boolean } {
  if (!(error instanceof Error) || !('isRetryable' in error) || !('responseHeaders' in error)) return false;
  const headers = error.responseHeaders as Readonly<Record<string, string>> | undefined;
  return headers?.['x-should-retry'] === 'false';
}
