import { crc32 } from 'node:zlib';
import { HASHED_PLACES } from './hashed-terms.js';
import type { Head, NeedModel } from './need-model.js';
import { SURFACE_NAMES } from './surface-features.js';
import { WeightsFileError } from './weights-file-error.js';

/**
 * The file: `NLRW`, format version and features version (2 bytes each), length of the header, CRC-32 of all that follows
 * (4 each), a header in JSON, padding to 4, then for each head its thresholds and leaves, the means, scales and weights of its
 * line, the features of its trees and its linear weights. All numbers little-endian.
 */
const MAGIC = 0x57524c4e;
const FORMAT_VERSION = 1;
/** Raised whenever the same text gives other hashed terms or surface features: older weights mean something else then. */
const FEATURES_VERSION = 1;
const PREAMBLE_BYTES = 16;

/** No weights file is larger. */
export const MAX_WEIGHTS_BYTES = 2_000_000;
const WIDTH = SURFACE_NAMES.length;
/** The two shipped, and six times of training further. */
export const MAX_HEADS = 8;
const MAX_DEPTH = 6;
const MAX_TREES = 1_000;

interface HeadHeader {
  readonly bias: number;
  readonly scale: number;
  readonly treeBias: number;
  readonly lineBias: number;
  readonly depth: number;
  readonly trees: number;
  readonly linearShare: number;
  readonly treeShare: number;
  readonly lineShare: number;
  readonly limit: number;
  readonly factor: number;
}

/** Reading numbers one by one takes milliseconds of a boot; where the machine has the file's order they are only looked at. */
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function floatsAt(bytes: Uint8Array, at: number, count: number): Float32Array {
  if (isLittleEndian) return new Float32Array(bytes.buffer, bytes.byteOffset + at, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  return Float32Array.from({ length: count }, (_, index) => view.getFloat32(4 * index, true));
}

function areNumbers(values: Float32Array): boolean {
  for (const value of values) if (Number.isNaN(value)) return false;
  return true;
}

function areSmall(values: Float32Array): boolean {
  for (const value of values) if (!(value > -1e9 && value < 1e9)) return false;
  return true;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

function sizes({ depth, trees }: HeadHeader): { inner: number; leaves: number; bytes: number } {
  const inner = trees * ((1 << depth) - 1);
  const leaves = trees * (1 << depth);
  return { inner, leaves, bytes: 4 * (inner + leaves + 3 * WIDTH) + aligned(inner) + HASHED_PLACES };
}

export function encodeWeights(model: NeedModel): Uint8Array {
  const heads = model.heads.map(
    ({ linear, trees, line, linearShare, treeShare, lineShare, limit, factor }): HeadHeader => ({
      bias: linear.bias,
      scale: linear.scale,
      treeBias: trees.bias,
      lineBias: line.bias,
      depth: trees.depth,
      trees: trees.leaves.length >>> trees.depth,
      linearShare,
      treeShare,
      lineShare,
      limit,
      factor,
    }),
  );
  const header = new TextEncoder().encode(JSON.stringify({ bias: model.bias, heads }));
  const start = aligned(PREAMBLE_BYTES + header.length);
  const length = heads.reduce((sum, head) => sum + sizes(head).bytes, start);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(header, PREAMBLE_BYTES);
  let at = start;
  for (const { trees, line, linear } of model.heads) {
    for (const values of [trees.thresholds, trees.leaves, line.means, line.scales, line.weights]) {
      for (const value of values) {
        view.setFloat32(at, value, true);
        at += 4;
      }
    }
    bytes.set(trees.features, at);
    at += aligned(trees.features.length);
    bytes.set(new Uint8Array(linear.weights.buffer, linear.weights.byteOffset, HASHED_PLACES), at);
    at += HASHED_PLACES;
  }
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, FORMAT_VERSION, true);
  view.setUint16(6, FEATURES_VERSION, true);
  view.setUint32(8, header.length, true);
  view.setUint32(12, crc32(bytes.subarray(PREAMBLE_BYTES)), true);
  return bytes;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function numberOf(record: Record<string, unknown>, key: string, least = -1e9, most = 1e9): number {
  const value = record[key];
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new WeightsFileError(`is damaged: its header has no usable "${key}".`);
  }
  return value;
}

function wholeOf(record: Record<string, unknown>, key: string, least: number, most: number): number {
  const value = numberOf(record, key, least, most);
  if (!Number.isInteger(value))
    throw new WeightsFileError(`is damaged: "${key}" of its header is no whole number.`);
  return value;
}

function readHeader(bytes: Uint8Array): { bias: number; heads: HeadHeader[] } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new WeightsFileError('is damaged: its header cannot be read.', error);
  }
  if (!isRecord(header) || !Array.isArray(header.heads) || header.heads.length > MAX_HEADS) {
    throw new WeightsFileError('is damaged: its header lists no heads.');
  }
  const heads = header.heads.map((head: unknown): HeadHeader => {
    if (!isRecord(head)) throw new WeightsFileError('is damaged: its header lists a head that is none.');
    return {
      bias: numberOf(head, 'bias'),
      scale: numberOf(head, 'scale', 0),
      treeBias: numberOf(head, 'treeBias'),
      lineBias: numberOf(head, 'lineBias'),
      depth: wholeOf(head, 'depth', 1, MAX_DEPTH),
      trees: wholeOf(head, 'trees', 0, MAX_TREES),
      linearShare: numberOf(head, 'linearShare'),
      treeShare: numberOf(head, 'treeShare'),
      lineShare: numberOf(head, 'lineShare'),
      limit: numberOf(head, 'limit', 0),
      factor: numberOf(head, 'factor'),
    };
  });
  return { bias: numberOf(header, 'bias'), heads };
}

function readHead(header: HeadHeader, bytes: Uint8Array, from: number): Head {
  const { inner, leaves } = sizes(header);
  let at = from;
  const floats = (count: number): Float32Array => {
    const values = floatsAt(bytes, at, count);
    at += 4 * count;
    return values;
  };
  const thresholds = floats(inner);
  const leafValues = floats(leaves);
  const means = floats(WIDTH);
  const scales = floats(WIDTH);
  const lineWeights = floats(WIDTH);
  const features = bytes.subarray(at, at + inner);
  at += aligned(inner);
  const weights = new Int8Array(bytes.buffer, bytes.byteOffset + at, HASHED_PLACES);
  // A border of infinity is that of a node that does not part.
  if (!areNumbers(thresholds) || ![leafValues, means, scales, lineWeights].every(areSmall)) {
    throw new WeightsFileError('is damaged: it holds what is no number.');
  }
  for (const feature of features) {
    if (feature >= WIDTH) {
      throw new WeightsFileError('is damaged: a tree asks for a feature that there is not.');
    }
  }
  const { bias, scale, treeBias, lineBias, depth, linearShare, treeShare, lineShare, limit, factor } = header;
  return {
    linear: { bias, scale, weights },
    trees: { depth, bias: treeBias, features, thresholds, leaves: leafValues },
    line: { bias: lineBias, means, scales, weights: lineWeights },
    linearShare,
    treeShare,
    lineShare,
    limit,
    factor,
  };
}

/**
 * Reads a weights file.
 *
 * @throws {@link WeightsFileError}
 */
export function decodeWeights(file: Uint8Array): NeedModel {
  if (file.length > MAX_WEIGHTS_BYTES) {
    throw new WeightsFileError(`has ${file.length} bytes; at most ${MAX_WEIGHTS_BYTES} are read.`);
  }
  // A copy of our own: aligned, and nobody alters it afterwards.
  const bytes = new Uint8Array(file);
  const view = new DataView(bytes.buffer);
  if (bytes.length < PREAMBLE_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new WeightsFileError('is none: it does not begin as one.');
  }
  const version = view.getUint16(4, true);
  if (version > FORMAT_VERSION) {
    throw new WeightsFileError(
      `has format ${version}; this version reads up to ${FORMAT_VERSION}. Update the package.`,
    );
  }
  if (version < 1) throw new WeightsFileError('is damaged: it has no format.');
  const featuresVersion = view.getUint16(6, true);
  if (featuresVersion !== FEATURES_VERSION) {
    throw new WeightsFileError(
      `was trained on features ${featuresVersion}; this version reads texts by features ${FEATURES_VERSION}. Train again.`,
    );
  }
  const headerLength = view.getUint32(8, true);
  const start =
    PREAMBLE_BYTES + headerLength > bytes.length ? Infinity : aligned(PREAMBLE_BYTES + headerLength);
  if (start > bytes.length) throw new WeightsFileError('is cut short: it ends within its header.');
  const { bias, heads } = readHeader(bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + headerLength));
  const length = heads.reduce((sum, head) => sum + sizes(head).bytes, start);
  if (bytes.length < length) {
    throw new WeightsFileError(`is cut short: it has ${bytes.length} bytes of ${length}.`);
  }
  if (bytes.length > length) {
    throw new WeightsFileError(`is damaged: it has ${bytes.length} bytes instead of ${length}.`);
  }
  if (view.getUint32(12, true) !== crc32(bytes.subarray(PREAMBLE_BYTES))) {
    throw new WeightsFileError('is damaged: its checksum does not fit.');
  }
  let at = start;
  return {
    bias,
    heads: heads.map((header) => {
      const head = readHead(header, bytes, at);
      at += sizes(header).bytes;
      return head;
    }),
  };
}
