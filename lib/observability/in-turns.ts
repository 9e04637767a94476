/** So long the event loop is kept, before others have a turn. */
const DEFAULT_TURN_MS = 5;

/**
 * Does long work a part at a time: wherever it yields, others are served once it has had its turn.
 *
 * @returns What the work returns.
 */
export async function inTurns<Result>(
  work: Generator<void, Result, undefined>,
  turnMs = DEFAULT_TURN_MS,
): Promise<Result> {
  let endsAtMs = performance.now() + turnMs;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() < endsAtMs) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    endsAtMs = performance.now() + turnMs;
  }
}
