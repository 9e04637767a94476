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

/** What the model may be asked by. Both by default. */
export interface StructuredOutputWays {
  /** False where Claude is served without structured outputs. */
  readonly format?: boolean;
  /** False where the model cannot be made to call a tool. */
  readonly tool?: boolean;
}

/** What a call was sent with is needed again when its answer is read, and a large schema takes its time. */
const decided = new WeakMap<ProviderCall, { readonly output: StructuredOutput | undefined }>();

/**
 * The way a call's JSON schema goes to Anthropic; undefined where none is asked for, or no way is left. Decided once a
 * call.
 *
 * Structured outputs, where the model has them: they hold beside thinking and the client's tools. A tool that has to
 * be called for older models, for schemas that structured outputs cannot say, and behind a final assistant turn, which
 * they refuse to continue.
 *
 * Anthropic refuses a forced tool together with thinking, so there `reasoning_effort` gives way (`planThinking`): an
 * answer that was not thought over can be used, one that does not fit the schema breaks the client.
 *
 * @param ways - Read by the first to ask about a call.
 */
export function structuredOutputOf(
  call: ProviderCall,
  ways: StructuredOutputWays = {},
): StructuredOutput | undefined {
  const known = decided.get(call);
  if (known !== undefined) {
    return known.output;
  }
  const output = decide(call, ways);
  decided.set(call, { output });
  return output;
}

function decide(call: ProviderCall, ways: StructuredOutputWays): StructuredOutput | undefined {
  const { request } = call;
  const schema = requestedJson(request)?.schema;
  if (schema === undefined) {
    return undefined;
  }
  const usesFormat =
    ways.format !== false &&
    anthropicModelTraits(call.upstreamModel).hasStructuredOutputs &&
    request.messages.at(-1)?.role !== 'assistant';
  const format = usesFormat ? toAnthropicSchema(schema) : undefined;
  if (format !== undefined) {
    return { kind: 'format', schema: format };
  }
  const tool = ways.tool === false ? undefined : structuredOutputTool(request);
  return tool === undefined ? undefined : { kind: 'tool', ...tool };
}

/** The name of the tool whose input is the answer, where there is one. */
export function answerToolName(call: ProviderCall): string | undefined {
  const output = structuredOutputOf(call);
  return output?.kind === 'tool' ? output.tool.name : undefined;
}
