import type { ProviderQuirks } from '../../catalog/index.js';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseField } from '../refused-fields.js';

/**
 * The fields that switch thinking off where the request forces a tool call and the provider refuses the two together;
 * undefined where nothing stands in the way of either. They go before a `reasoning_effort`: without the call the client
 * has no use for the answer, without the thought it has.
 *
 * @param said - The body's tools and choice among them.
 * @throws {@link InvalidRequestError} where the model cannot but think: another attempt may call the tool.
 */
export function thinkingUnderForce(
  call: ProviderCall,
  said: JsonObject,
  { forcedToolChoice }: ProviderQuirks,
): JsonObject | undefined {
  const { tools, tool_choice: choice } = said;
  if (tools === undefined || choice === undefined || choice === 'auto' || choice === 'none') return undefined;
  const rule = forcedToolChoice?.find(({ models }) => models.test(call.upstreamModel));
  if (rule === undefined || (rule.thinkingOnly === true && !call.reasoning)) return undefined;
  refuseField(rule.fields === null, 'tool_choice');
  return rule.fields ?? undefined;
}
