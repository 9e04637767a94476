/**
 * The token behind `@InjectOpenAI()`: for `overrideProvider` in tests and the `inject` list of a factory.
 *
 * @publicApi
 */
export const OPENAI_CLIENT: unique symbol = Symbol.for('nestjs-llm-router.openai-client');
