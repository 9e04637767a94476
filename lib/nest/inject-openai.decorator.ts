import { Inject } from '@nestjs/common';
import { requestOpenAiClient } from './openai-client.wanted.js';
import { OPENAI_CLIENT } from './openai-client.token.js';

/**
 * Injects the official `openai` client whose transport is the router, in process: no port, no key, the surface of the
 * handler that calls. Streams, tools, `parse`, the helpers, abort and typed errors are the client's own; what the
 * router does not serve is a `NotFoundError`.
 *
 * The client is of the version this package depends on (`openai` 6). Where yours is another, make your own:
 * `new OpenAI(router.clientOptions())`.
 *
 * @example
 * ```ts
 * import type OpenAI from 'openai';
 *
 * constructor(@InjectOpenAI() private readonly client: OpenAI) {}
 *
 * const completion = await this.client.chat.completions.create({ model: 'auto', messages });
 * ```
 * @publicApi
 */
export function InjectOpenAI(): ParameterDecorator & PropertyDecorator {
  // Decorators run when their file is loaded, which is before anything is injected.
  requestOpenAiClient();
  return Inject(OPENAI_CLIENT);
}
