/** Prompt tokens are estimated: a fifth more may come, and still the window must hold. */
const ESTIMATE_SLACK = 1.2;

export interface OutputBounds {
  /** The client's or the surface's limit, in tokens; undefined: none. */
  readonly requested: number | undefined;
  /** What the dollars pay for; `Infinity`: as much as one likes. */
  readonly affordable: number;
  readonly modelMaxOutputTokens: number | undefined;
  readonly contextWindow: number | undefined;
  readonly inputTokens: number;
}

/**
 * The output limit to send. A dollar cap alone becomes a limit only where it says more than the model's own: providers
 * refuse a limit above what the model can write or its window can hold.
 */
export function cappedOutputTokens(bounds: OutputBounds): number | undefined {
  const { requested, affordable, modelMaxOutputTokens, contextWindow, inputTokens } = bounds;
  const room =
    contextWindow === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(1, Math.floor(contextWindow - inputTokens * ESTIMATE_SLACK));
  const possible = Math.min(modelMaxOutputTokens ?? Number.POSITIVE_INFINITY, room);
  if (affordable >= possible) return requested;
  return Math.min(affordable, requested ?? affordable);
}
