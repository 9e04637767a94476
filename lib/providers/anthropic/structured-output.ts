import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { requestedJson } from '../requested-schema.js';
import { anthropicModelTraits } from './anthropic-model-traits.js';
import { structuredOutputTool, type StructuredOutputTool } from './structured-output-tool.js';
import { toAnthropicSchema } from './to-anthropic-schema.js';

/** How a JSON schema is asked for: in `output_config.format`, or by a tool whose input is the answer. */
export type StructuredOutput =
  | { readonly kind: 'format'; readonly schema: JsonObject }
  | ({ readonly kind: 'tool' } & StructuredOutputTool);

/**
 * The way a call's JSON schema goes to Anthropic; undefined where none is asked for, or no way is left.
 *
 * Structured outputs, where the model has them: they hold beside thinking and the client's tools. A tool that has to
 * be called for older models, for schemas that structured outputs cannot say, and behind a final assistant turn, which
 * they refuse to continue.
 */
export function structuredOutputOf(call: ProviderCall): StructuredOutput | undefined {
  const { request } = call;
  const schema = requestedJson(request)?.schema;
  if (schema === undefined) {
    return undefined;
  }
  const mayUseFormat =
    anthropicModelTraits(call.upstreamModel).hasStructuredOutputs &&
    request.messages.at(-1)?.role !== 'assistant';
  const format = mayUseFormat ? toAnthropicSchema(schema) : undefined;
  if (format !== undefined) {
    return { kind: 'format', schema: format };
  }
  const tool = structuredOutputTool(request);
  return tool === undefined ? undefined : { kind: 'tool', ...tool };
}

/** The name of the tool whose input is the answer, where there is one. */
export function answerToolName(call: ProviderCall): string | undefined {
  const output = structuredOutputOf(call);
  return output?.kind === 'tool' ? output.tool.name : undefined;
}
