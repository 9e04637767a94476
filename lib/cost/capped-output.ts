import { mostInputTokens } from './estimate-slack.js';

/** The eligibility filter has left at least so much for the answer, by the plain estimate. */
const LEAST_ROOM_TOKENS = 256;

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
  const utmost = Math.min(
    modelMaxOutputTokens ?? Number.POSITIVE_INFINITY,
    contextWindow ?? Number.POSITIVE_INFINITY,
  );
  if (affordable >= utmost) return requested;
  // A limit of the client's own stands as it is; one of ours must leave the prompt its place.
  if (requested !== undefined) return Math.min(requested, affordable);
  const room =
    contextWindow === undefined
      ? utmost
      : Math.max(contextWindow - mostInputTokens(inputTokens), LEAST_ROOM_TOKENS);
  return Math.min(affordable, room);
}
