/**
 * Starts a generator whose first yield is empty. One that has not started runs no `finally` when it is returned, and
 * whatever it holds (a socket, an in-flight count) would stay behind if its consumer left before the first read.
 */
export async function primed<Value>(
  generator: AsyncGenerator<Value | undefined, void, undefined>,
): Promise<AsyncGenerator<Value, void, undefined>> {
  await generator.next();
  return generator as AsyncGenerator<Value, void, undefined>;
}
