import { createParamDecorator } from '@nestjs/common';
import { currentLlmContext } from '../context/index.js';

/**
 * Injects the {@link LlmRequestContext} of the running handler into a parameter.
 *
 * @example
 * ```ts
 * @Get() show(@LlmContext() context: LlmRequestContext) { return context.surface; }
 * ```
 * @publicApi
 */
export const LlmContext = createParamDecorator(() => currentLlmContext());
