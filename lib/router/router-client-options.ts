import type { LlmRequestContext } from '../context/index.js';
import type { RouterEngine } from './router-engine.js';
import { createRouterFetch, type RouterFetch } from './router-fetch.js';

/** `.invalid` never resolves (RFC 2606): a client that would not use our `fetch` reaches nobody. */
export const IN_PROCESS_BASE_URL = 'http://nestjs-llm-router.invalid/v1';

/**
 * What a client of OpenAI's API is constructed with to run over the router in process. Assignable to the options of
 * the `openai` package and to whatever hands options on to it.
 *
 * @publicApi
 */
export interface RouterClientOptions {
  /** Clients insist on one. It goes nowhere. */
  readonly apiKey: string;
  /** Resolves nowhere. */
  readonly baseURL: string;
  readonly fetch: RouterFetch;
  /** 0: the router retries and moves on by itself. */
  readonly maxRetries: number;
  /** True: clients refuse to be made where they see a browser, jsdom in tests included, to protect a key. */
  readonly dangerouslyAllowBrowser: boolean;
}

/** Those of one router. What `context` says wins over the handler that calls. */
export function clientOptionsOf(engine: RouterEngine, context: LlmRequestContext = {}): RouterClientOptions {
  return {
    apiKey: 'in-process',
    baseURL: IN_PROCESS_BASE_URL,
    fetch: createRouterFetch(engine, context),
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
  };
}
