import type { LlmRouterConfiguration } from '../config/index.js';
import type { ProofNotes } from './proof-notes.js';

/** What is to be proven later must be written down somewhere. */
export function checkProvenance({ surfaces, requestLog }: LlmRouterConfiguration, notes: ProofNotes): void {
  if (requestLog !== undefined) return;
  for (const [name, { provenance }] of Object.entries(surfaces ?? {})) {
    if (provenance !== true) continue;
    notes.error(
      `surfaces.${name}.provenance`,
      'its requests are written into the request log, and there is none: add `requestLog: { file: "/var/log/llm-router/requests.jsonl" }`',
    );
  }
}
