import { structuredOutputOf } from '../anthropic/structured-output.js';
import type { ProviderCall } from '../provider-adapter.js';

/**
 * Settles that a call's JSON schema goes to Claude as a tool it has to call, before anything of Anthropic's wire asks.
 * Vertex AI has structured outputs from Claude 4.6 on, but an organisation has to allow them first
 * (`constraints/vertexai.allowedPartnerModelFeatures`), and where it has not, `output_config.format` is a 400.
 */
export function settleStructuredOutput(call: ProviderCall): void {
  structuredOutputOf(call, { format: false });
}
