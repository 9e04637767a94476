/** Of the event loop, before others have a turn. */
const TURN_MS = 5;

/**
 * Does long work a part at a time: wherever it yields, others are served once it has had its turn.
 *
 * @returns What the work returns.
 */
export async function inTurns<Result>(work: Generator<void, Result, undefined>): Promise<Result> {
  let endsAtMs = performance.now() + TURN_MS;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() < endsAtMs) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    endsAtMs = performance.now() + TURN_MS;
  }
}
