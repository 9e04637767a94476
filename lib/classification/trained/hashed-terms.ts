/** Words and pieces of words fall into so many places; a power of two. */
export const HASHED_PLACES = 1 << 15;

/** A text as the linear part of a model sees it: the places its words fall into, and how much each counts. */
export interface HashedTerms {
  readonly places: Int32Array;
  /** Together of length 1, or all absent for a text without words. */
  readonly values: Float64Array;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const SPACE = 32;
/** A word longer than this is a blob (base64, a hash, a URL): only its beginning is read. */
const MAX_WORD_LENGTH = 24;
const SHORTEST_PIECE = 3;
const LONGEST_PIECE = 5;

/** Keep a word, a pair and a piece of the same letters apart. */
const WORD = 0x9e3779b1;
const PAIR = 0x85ebca6b;
const PIECE = 0xc2b2ae35;
const SIGN = 0x27d4eb2f;

/** Counts by place; touched places are put back to zero after each text. */
const counts = new Float64Array(HASHED_PLACES);
const touched = new Int32Array(HASHED_PLACES);
const word = new Uint16Array(MAX_WORD_LENGTH + 2);

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 0xc0 && code !== 0xd7 && code !== 0xf7) || code === 39;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Scripts without spaces: every character is a word. */
function standsAlone(code: number): boolean {
  return (
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xd800 && code <= 0xdfff)
  );
}

function place(hash: number): number {
  let mixed = hash ^ (hash >>> 15);
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  mixed ^= mixed >>> 12;
  return mixed & (HASHED_PLACES - 1);
}

/**
 * Hashes the words of a text, its pairs of neighbours and the pieces of three to five characters of each word. Numbers
 * count by how many digits they have. Linear in the text, which the caller bounds.
 */
export function hashTerms(text: string): HashedTerms {
  const lower = text.toLowerCase();
  let found = 0;
  const add = (hash: number, weight: number): void => {
    const at = place(hash);
    if (counts[at] === 0) {
      touched[found] = at;
      found += 1;
    }
    counts[at] = (counts[at] ?? 0) + weight;
  };
  let previous = 0;
  const endWord = (length: number, hash: number, isWord: boolean): void => {
    add(hash ^ WORD, 1);
    if (previous !== 0) add(Math.imul(previous, 31) ^ hash ^ PAIR, 1);
    previous = hash;
    if (!isWord) return;
    word[0] = SPACE;
    word[length + 1] = SPACE;
    const end = length + 2;
    for (let from = 0; from + SHORTEST_PIECE <= end; from += 1) {
      let piece = FNV_OFFSET;
      const last = Math.min(from + LONGEST_PIECE, end);
      for (let index = from; index < last; index += 1) {
        piece = Math.imul(piece ^ (word[index] ?? 0), FNV_PRIME);
        if (index - from + 1 >= SHORTEST_PIECE) add(piece ^ PIECE, 0.5);
      }
    }
  };

  let at = 0;
  while (at < lower.length) {
    const code = lower.charCodeAt(at);
    if (standsAlone(code)) {
      endWord(1, Math.imul(FNV_OFFSET ^ code, FNV_PRIME), false);
      at += 1;
    } else if (isLetter(code)) {
      let hash = FNV_OFFSET;
      let length = 0;
      for (; at < lower.length; at += 1) {
        const next = lower.charCodeAt(at);
        if (!isLetter(next) || standsAlone(next)) break;
        if (length === MAX_WORD_LENGTH) continue;
        hash = Math.imul(hash ^ next, FNV_PRIME);
        length += 1;
        word[length] = next;
      }
      endWord(length, hash, true);
    } else if (isDigit(code)) {
      const from = at;
      while (at < lower.length && isDigit(lower.charCodeAt(at))) at += 1;
      endWord(0, Math.imul(FNV_OFFSET ^ (48 + Math.min(at - from, 6)), FNV_PRIME), false);
    } else {
      if (code > SPACE) add(Math.imul(FNV_OFFSET ^ code, FNV_PRIME) ^ SIGN, 1);
      at += 1;
    }
  }

  const places = touched.slice(0, found).sort();
  const values = new Float64Array(found);
  let squares = 0;
  for (let index = 0; index < found; index += 1) {
    const here = places[index] ?? 0;
    const count = counts[here] ?? 0;
    counts[here] = 0;
    // The root of the count: the tenth time says less than the first.
    values[index] = Math.sqrt(count);
    squares += count;
  }
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let index = 0; index < found; index += 1) values[index] = (values[index] ?? 0) * scale;
  return { places, values };
}
