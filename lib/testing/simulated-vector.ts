import { createHash } from 'node:crypto';

const DEFAULT_DIMENSIONS = 16;

/** A vector of length 1 that is the same for the same input, and another for another. */
export function simulatedVector(input: unknown, dimensions = DEFAULT_DIMENSIONS): number[] {
  const values: number[] = [];
  for (let block = 0; values.length < dimensions; block += 1) {
    const hash = createHash('sha256')
      .update(JSON.stringify([block, input]))
      .digest();
    for (const byte of hash) values.push(byte / 255 - 0.5);
  }
  values.length = dimensions;
  const length = Math.hypot(...values);
  // As a float of 32 bits, so that both encodings say the same.
  return values.map((value) => Math.fround(value / length));
}
