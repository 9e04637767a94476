import type { LlmRouterOptions } from 'nestjs-llm-router';
import type { Sandbox } from 'nestjs-llm-router/testing';

/** What the parts of this application are held to. */
const SURFACES = {
  // Somebody waits, and a wrong category costs more than the call.
  triage: { qualityFloor: 0.6, latencySloMs: 3000 },
  digests: { workload: 'background' },
  // Read by the whole company.
  headlines: { qualityFloor: 0.78, workload: 'background' },
} satisfies LlmRouterOptions['surfaces'];

/**
 * Without a sandbox: providers of the keys in the environment, and rules derived from the catalogue, the cheapest models
 * for simple questions and the best for hard ones.
 */
export function routerOptions(sandbox?: Sandbox): LlmRouterOptions {
  return { ...sandbox?.config, surfaces: SURFACES };
}
