import type { Random } from './random.spec-support.js';

const PIECES = [
  ...['data: ', 'data:', 'event: ', 'event: error\n', ': comment\n', 'id: 1\n', 'retry: x\n', 'nonsense\n'],
  ...['\n\n', '\r\n', '\r', '\n', '{', '}', '[', ']', '"', ',', ':', '\\', '\\u0000', '\\ud800', '[DONE]'],
  ...['{}', 'null', '1e999', '0', '-', '99999999999999999999', '\uFEFF', 'é', '😀', '__proto__', ' '],
].map((text) => new TextEncoder().encode(text));

/** Bytes with some of them flipped, removed, doubled, moved or put in between. */
export function mutateBytes(random: Random, bytes: Uint8Array, others: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let times = 1 + random.mostlySmall(6); times > 0; times -= 1) mutated = mutateOnce(random, mutated, others);
  return mutated;
}

function mutateOnce(random: Random, bytes: Uint8Array, others: Uint8Array): Uint8Array {
  const start = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, start + 1 + random.mostlySmall(200));
  switch (random.below(8)) {
    case 0: {
      const copy = bytes.slice();
      const at = Math.min(start, copy.length - 1);
      if (at >= 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 1:
      return join(bytes.subarray(0, start), bytes.subarray(end));
    case 2:
      return join(bytes.subarray(0, end), bytes.subarray(start));
    case 3:
      return bytes.subarray(0, start);
    case 4:
      return join(bytes.subarray(0, start), random.bytes(1 + random.below(8)), bytes.subarray(start));
    case 5:
      return join(bytes.subarray(0, start), others.subarray(random.below(others.length + 1)));
    default:
      return join(bytes.subarray(0, start), random.pick(PIECES), bytes.subarray(start));
  }
}

/** Text of a stream's or a JSON's pieces in any order. */
export function shapedBytes(random: Random, count: number): Uint8Array {
  return join(...Array.from({ length: count }, () => random.pick(PIECES)));
}

export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
