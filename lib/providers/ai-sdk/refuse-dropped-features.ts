import { ProviderError } from '../../errors/provider-error.js';
import { isJsonObject, listOf, textOf } from '../json-reading.js';
import { toolDemandOf } from '../offered-tools.js';
import type { ProviderCall } from '../provider-adapter.js';
import { requestedJson } from '../requested-schema.js';

/**
 * Refuses an answer whose provider warns that it has left out the response format, the tools, or the choice among them: it
 * is an answer to another question, and the next deployment may have an answer to this one.
 *
 * Warnings are `{ type: "unsupported-setting", setting }` and `{ type: "unsupported-tool" }` in version 2 of the
 * specification, `{ type: "unsupported", feature }` from version 3 on (`LanguageModelV2CallWarning`, `SharedV3Warning` of
 * `@ai-sdk/provider`). Those of other features are passed over: the answer is of use without.
 *
 * @throws {@link ProviderError} of kind `bad_response` with the code `unsupported_response_format`, `unsupported_tools` or
 * `unsupported_tool_choice`.
 */
export function refuseDroppedFeatures(warnings: unknown, call: ProviderCall): void {
  for (const warning of listOf(warnings)) {
    const providerCode = isJsonObject(warning) ? droppedBy(warning, call) : undefined;
    // An answer had begun: it was generated, and will be billed.
    if (providerCode !== undefined)
      throw new ProviderError({ kind: 'bad_response', status: 200, providerCode });
  }
}

/** Only what the client asks for: providers may warn of what they were not sent. */
function droppedBy(
  warning: Readonly<Record<string, unknown>>,
  { request }: ProviderCall,
): string | undefined {
  const hasTools = (request.tools ?? []).length > 0;
  switch (featureOf(warning)) {
    case 'responseformat':
      return requestedJson(request) === undefined ? undefined : 'unsupported_response_format';
    case 'tool':
    case 'tools':
    case 'functiontool':
    case 'functiontools':
      return hasTools ? 'unsupported_tools' : undefined;
    case 'toolchoice': {
      const demand = hasTools ? toolDemandOf(request)?.mode : undefined;
      return demand === 'required' || demand === 'named' ? 'unsupported_tool_choice' : undefined;
    }
    case undefined:
    default:
      return undefined;
  }
}

/** The name alone: features of version 3 are free text, and `tool choice` is one. */
function featureOf({ type, setting, feature }: Readonly<Record<string, unknown>>): string | undefined {
  switch (type) {
    case 'unsupported-tool':
      return 'tools';
    case 'unsupported-setting':
      return plain(setting);
    case 'unsupported':
      return plain(feature);
    default:
      return undefined;
  }
}

function plain(name: unknown): string | undefined {
  return textOf(name)
    ?.slice(0, 64)
    .replace(/[^a-z]/gi, '')
    .toLowerCase();
}
