import { ProviderError } from '../../errors/provider-error.js';

/**
 * The input of a tool call as the JSON text OpenAI has: the specification gives a text too, some providers the object.
 * Nothing means `{}`. Broken JSON goes on as it is: so does OpenAI's.
 *
 * @throws {@link ProviderError} of kind `bad_response` for what has no JSON (a circle).
 */
export function fromAiSdkToolInput(input: unknown): string {
  if (typeof input === 'string') {
    return input.trim() === '' ? '{}' : input;
  }
  try {
    // Undefined for a function or a symbol, whatever its type says.
    const json: unknown = JSON.stringify(input ?? {});
    return typeof json === 'string' ? json : '{}';
  } catch {
    throw new ProviderError({ kind: 'bad_response', status: 200, providerCode: 'tool_input' });
  }
}
