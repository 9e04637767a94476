import type { ValidatedChatRequest } from '../chat/chat-types.js';
import { stillUsedFieldsOf } from './still-used-fields.js';

/** What OpenAI's own platform alone makes use of: the answer is as good without. */
interface PlatformHints {
  readonly prompt_cache_key?: string | null;
  readonly safety_identifier?: string | null;
}

/** What `strict` of function tools is called here: it is no field of the request's own. */
export const STRICT_TOOLS = 'tools.strict';

/**
 * The hints a request gives that are worth a word where they are left out. Values that mean what leaving them out means
 * give none.
 */
export function givenHints(request: ValidatedChatRequest): string[] {
  const hints: PlatformHints = request;
  const { user } = stillUsedFieldsOf(request);
  const given: Readonly<Record<string, boolean>> = {
    user: Boolean(user),
    safety_identifier: Boolean(hints.safety_identifier),
    metadata: Object.keys(request.metadata ?? {}).length > 0,
    store: request.store === true,
    service_tier: !['auto', 'default'].includes(request.service_tier ?? 'auto'),
    prompt_cache_key: Boolean(hints.prompt_cache_key),
    prediction: Boolean(request.prediction),
    temperature: (request.temperature ?? 1) !== 1,
    top_p: (request.top_p ?? 1) !== 1,
    // Without it a model may write arguments that do not fit the schema.
    [STRICT_TOOLS]: (request.tools ?? []).some(
      (tool) => tool.type === 'function' && tool.function.strict === true,
    ),
    reasoning_effort: (request.reasoning_effort ?? 'none') !== 'none',
  };
  return Object.keys(given).filter((name) => given[name]);
}
