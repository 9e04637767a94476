/** Well within its target: it may come back. In between, what it was before holds, so that it does not flap. */
const BACK_RATIO = 0.9;

/**
 * Whether a deployment misses a target: its p95 was above it in two windows that followed each other, and in none since
 * well within it.
 *
 * @param recentP95Ms - Of the last complete windows, the newest first; undefined where there were too few samples.
 */
export function isOverTarget(recentP95Ms: readonly (number | undefined)[], targetMs: number): boolean {
  for (const [index, p95Ms] of recentP95Ms.entries()) {
    if (p95Ms === undefined) continue;
    if (p95Ms <= targetMs * BACK_RATIO) return false;
    const beforeMs = recentP95Ms[index + 1];
    if (p95Ms > targetMs && beforeMs !== undefined && beforeMs > targetMs) return true;
  }
  return false;
}
