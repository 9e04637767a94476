/** Prompt tokens are estimated: a fifth more may come, and still the window and the ceiling must hold. */
const ESTIMATE_SLACK = 1.2;

/** The most prompt tokens that an estimate has to be ready for. */
export function mostInputTokens(estimatedTokens: number): number {
  return Math.ceil(estimatedTokens * ESTIMATE_SLACK);
}
