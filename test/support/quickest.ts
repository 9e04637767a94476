const PATIENCE_MS = 5_000;

/**
 * Milliseconds of one call: of the first that stays under the bound, else the least of five seconds. What else the machine
 * does only ever adds to a time, now and then tenfold for seconds, while what is really too slow is so every time.
 */
export function quickestMs(boundMs: number, call: () => unknown): number {
  const startedAt = performance.now();
  let least = Number.POSITIVE_INFINITY;
  do {
    const calledAt = performance.now();
    call();
    least = Math.min(least, performance.now() - calledAt);
  } while (least >= boundMs && performance.now() - startedAt < PATIENCE_MS);
  return least;
}

/** The same of one of `count` calls in a row, on average, in microseconds. */
export function quickestMicroseconds(
  boundMicroseconds: number,
  count: number,
  call: (index: number) => unknown,
): number {
  const boundMs = (boundMicroseconds * count) / 1_000;
  const ms = quickestMs(boundMs, () => {
    for (let index = 0; index < count; index += 1) call(index);
  });
  return (ms * 1_000) / count;
}
