const PATIENCE_MS = 5_000;

/**
 * The time of one call at its quickest, in milliseconds. Asks again until a call stays under the bound, for five seconds at
 * most: what else the machine does only ever adds to a time, now and then tenfold for seconds, while what is really too slow
 * is so every time.
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
