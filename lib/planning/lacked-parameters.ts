import {
  type CatalogModel,
  presetOf,
  REQUEST_PARAMETERS,
  type RequestParameter,
  unsupportedParameters,
} from '../catalog/index.js';
import type { ProviderOptions } from '../config/index.js';
import type { PolicyModel } from './policy-snapshot.js';

/** What a deployment cannot do: by its wire format, by its provider where that is known, and by its model. */
export function lackedParameters(
  provider: Pick<ProviderOptions, 'api' | 'baseUrl'>,
  thinking: PolicyModel['thinking'],
  facts: CatalogModel | undefined,
): ReadonlySet<RequestParameter> {
  const preset = presetOf(provider);
  const lacks: readonly string[] = [
    ...unsupportedParameters(provider.api, {
      // gpt-oss is OpenAI's too, and served by others in their own ways.
      isOpenAiReasoning: facts?.api === 'openai' && facts.capabilities.includes('reasoning'),
    }),
    ...(preset?.unsupportedParameters ?? []),
    ...(thinking === 'always' ? (preset?.unsupportedWhenThinking ?? []) : []),
  ];
  return new Set(REQUEST_PARAMETERS.filter((name) => lacks.includes(name)));
}
