import type { ModelCapability, ModelPrice } from '../catalog/catalog-model.js';
import { isEmbeddingModel } from '../catalog/index.js';
import type { RequestParameter } from '../catalog/request-parameters.js';
import { affordableOutputTokens, MIN_AFFORDABLE_OUTPUT_TOKENS } from '../cost/index.js';
import type { Demand } from './demand.js';
import { ANSWER_ROOM_TOKENS } from './eligibility/context-window.filter.js';
import type { PolicyDeployment } from './policy-snapshot.js';

/** What every candidate of a tier can do: a request within it, as most are, needs no look at each of them. */
export interface TierBounds {
  /** The least of all. */
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  /** One of them is sent the thinking of earlier turns. */
  readonly replaysThinking: boolean;
  /** Every one of these can be done by all that say what they can do; undefined: none says so. */
  readonly capabilities: ReadonlySet<ModelCapability> | undefined;
  /** One of them has no word for these. */
  readonly unsupportedParameters: ReadonlySet<RequestParameter>;
  /** The highest prices; undefined: of one of them it is not known, or depends on the prompt. */
  readonly dearest: ModelPrice | undefined;
}

/** Undefined: one of them answers no chat at all. */
export function boundsOf(candidates: readonly PolicyDeployment[]): TierBounds | undefined {
  let capabilities: ReadonlySet<ModelCapability> | undefined;
  for (const { model } of candidates) {
    if (model.capabilities === undefined) continue;
    if (isEmbeddingModel(model.capabilities)) return undefined;
    const own = model.capabilities;
    capabilities =
      capabilities === undefined ? own : new Set([...capabilities].filter((name) => own.has(name)));
  }
  return {
    contextWindow: leastOf(candidates.map(({ contextWindow }) => contextWindow)),
    maxOutputTokens: leastOf(candidates.map(({ maxOutputTokens }) => maxOutputTokens)),
    replaysThinking: candidates.some(({ replaysThinking }) => replaysThinking),
    capabilities,
    unsupportedParameters: new Set(candidates.flatMap((one) => [...one.unsupportedParameters])),
    dearest: dearestOf(candidates.map(({ price }) => price)),
  };
}

/** Whether no candidate within the bounds can be rejected for what this request asks for. */
export function isWithin(bounds: TierBounds, demand: Demand): boolean {
  const { features, outputTokens, surface } = demand;
  const inputTokens = bounds.replaysThinking
    ? features.inputTokens + features.thinkingTokens
    : features.inputTokens;
  if (inputTokens + (outputTokens ?? ANSWER_ROOM_TOKENS) > bounds.contextWindow) return false;
  if (outputTokens !== undefined && outputTokens > bounds.maxOutputTokens) return false;
  const { capabilities } = bounds;
  if (capabilities !== undefined && !features.capabilities.every((name) => capabilities.has(name)))
    return false;
  if (features.parameters.some((name) => bounds.unsupportedParameters.has(name))) return false;
  if (demand.cheapest !== undefined) return false;
  const capUsd = surface.maxCostPerRequest;
  if (capUsd === undefined) return true;
  if (bounds.dearest === undefined) return false;
  const prompt = { inputTokens, choices: features.choices, marksCache: features.marksCache };
  return affordableOutputTokens(capUsd, bounds.dearest, prompt) >= MIN_AFFORDABLE_OUTPUT_TOKENS;
}

function leastOf(values: readonly (number | undefined)[]): number {
  return Math.min(...values.map((value) => value ?? Number.POSITIVE_INFINITY));
}

function dearestOf(prices: readonly (ModelPrice | undefined)[]): ModelPrice | undefined {
  let inputPer1M = 0;
  let outputPer1M = 0;
  let cacheWritePer1M = 0;
  for (const price of prices) {
    if (price === undefined || price.longContext !== undefined) return undefined;
    inputPer1M = Math.max(inputPer1M, price.inputPer1M);
    outputPer1M = Math.max(outputPer1M, price.outputPer1M);
    cacheWritePer1M = Math.max(cacheWritePer1M, price.cacheWritePer1M ?? price.inputPer1M);
  }
  return { inputPer1M, outputPer1M, cacheWritePer1M };
}
