import { describe, expect, it } from 'vitest';
import { builtInModel, TrainedScorer } from './trained-scorer.js';
import { decodeWeights, encodeWeights, MAX_WEIGHTS_BYTES } from './weights-file.js';
import { WeightsFileError } from './weights-file-error.js';

const shipped = encodeWeights(builtInModel());

function altered(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = shipped.slice();
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

describe('weights file', () => {
  it('comes back as it was written, and is far under the limit', () => {
    expect(encodeWeights(decodeWeights(shipped))).toEqual(shipped);
    expect(shipped.length).toBeLessThan(500_000);
  });

  it('is read wherever it lies in a buffer', () => {
    const buffer = new Uint8Array(shipped.length + 3);
    buffer.set(shipped, 3);
    expect(decodeWeights(buffer.subarray(3))).toEqual(builtInModel());
  });

  it.each([
    ['nothing', new Uint8Array(), /is none/],
    ['another file', new TextEncoder().encode('{"weights": [1, 2, 3], "and": "more"}'), /is none/],
    ['a file that ends in its header', shipped.slice(0, 40), /cut short/],
    ['a file that ends in its numbers', shipped.slice(0, -1), /cut short/],
    ['a file with something after it', Uint8Array.from([...shipped, 0]), /damaged/],
    ['a file too large', new Uint8Array(MAX_WEIGHTS_BYTES + 1), /at most/],
    [
      'a newer format',
      altered((_bytes, view) => {
        view.setUint16(4, 2, true);
      }),
      /format 2.*Update/,
    ],
    [
      'other features',
      altered((_bytes, view) => {
        view.setUint16(6, 99, true);
      }),
      /Train again/,
    ],
    [
      'a header longer than the file',
      altered((_bytes, view) => {
        view.setUint32(8, 0xffffffff, true);
      }),
      /cut short/,
    ],
    ['a header that is no JSON', altered((bytes) => (bytes[16] = 0x7d)), /header/],
    ['one bit turned', altered((bytes) => (bytes[bytes.length - 5]! ^= 1)), /checksum/],
  ])('refuses %s', (_name, bytes, message) => {
    const refused = (): unknown => new TrainedScorer(bytes);
    expect(refused).toThrow(WeightsFileError);
    expect(refused).toThrow(message);
    expect(WeightsFileError.isInstance(new WeightsFileError('x'))).toBe(true);
  });

  it('never gives anything but a model or its own error, whatever byte is altered', () => {
    for (let at = 0; at < shipped.length; at += at < 900 ? 1 : 997) {
      const bytes = altered((copy) => (copy[at]! ^= 0x55));
      expect(() => decodeWeights(bytes), `byte ${at}`).toThrow(WeightsFileError);
    }
  });

  // A checksum stops accidents, not a file made by hand.
  it.each([
    [{ bias: 0, heads: {} }, /no heads/],
    [{ bias: 0, heads: [3] }, /none/],
    [{ bias: null, heads: [] }, /"bias"/],
    [{ bias: 0, heads: [{ bias: 0, scale: 1, treeBias: 0, lineBias: 0, depth: 40, trees: 1 }] }, /"depth"/],
    [{ bias: 0, heads: [{ bias: 0, scale: 1, treeBias: 0, lineBias: 0, depth: 2, trees: 1e9 }] }, /"trees"/],
    [{ bias: 0, heads: [{ bias: 0, scale: 1, treeBias: 0, lineBias: 0, depth: 2, trees: 1.5 }] }, /whole/],
    [{ bias: 0, heads: Array.from({ length: 9 }, () => ({})) }, /no heads/],
  ])('refuses the header %j', (header, message) => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(16 + text.length + 8);
    bytes.set(shipped.subarray(0, 8));
    bytes.set(text, 16);
    new DataView(bytes.buffer).setUint32(8, text.length, true);
    expect(() => decodeWeights(bytes)).toThrow(WeightsFileError);
    expect(() => decodeWeights(bytes)).toThrow(message);
  });
});
