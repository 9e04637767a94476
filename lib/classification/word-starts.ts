/** A start is known by its first letters; more of them tell hardly more. */
const MAX_LENGTH = 8;
const LITERALS = 'abcdefghijklmnopqrstuvwxyz -+.';
const COLUMNS = 32;
const FIRST_NODES = 1_024;

/** The column of each ASCII character, both cases in one; 0: none. */
const columnOf = new Uint8Array(128);
for (let index = 0; index < LITERALS.length; index += 1) {
  columnOf[LITERALS.charCodeAt(index)] = index + 1;
  columnOf[LITERALS.toUpperCase().charCodeAt(index)] = index + 1;
}

const isWordCharacter = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  isWordCharacter[code] = /\w/.test(String.fromCharCode(code)) ? 1 : 0;
}

/** What tells that a pattern may match: a word that begins so, in either case, or one of these characters. */
export interface Hint {
  readonly starts: readonly string[];
  readonly signs: string;
}

/**
 * Which of many patterns may match a text, found in one pass over it. To search a text for each of them takes as many
 * passes, and ten times as long each where V8 does not optimize a regular expression (`--no-regexp-optimization` shows it):
 * so it is in a process that has compiled very many.
 */
export class WordStarts {
  /** A tree of letters: of each node the next one by column. 0: none. */
  private next = new Uint16Array(FIRST_NODES * COLUMNS);
  private nodes = 1;
  /** By node the patterns that one of their starts leads to. */
  private readonly ends: (number[] | undefined)[] = [];
  private readonly bySign: (number[] | undefined)[] = [];
  private readonly found: Uint8Array;
  private readonly present = new Uint8Array(129);

  /**
   * @param hints - One of each pattern.
   * @throws Error where a start has a character that is none of {@link LITERALS}.
   */
  constructor(hints: readonly Hint[]) {
    hints.forEach(({ starts, signs }, pattern) => {
      for (const start of starts) this.add(start, pattern);
      for (const sign of signs) {
        const code = Math.min(sign.charCodeAt(0), 128);
        (this.bySign[code] ??= []).push(pattern);
      }
    });
    this.found = new Uint8Array(hints.length);
  }

  /** By pattern 1 where it may match; good until the next call. */
  find(text: string): Uint8Array {
    const { found, present } = this;
    found.fill(0);
    present.fill(0);
    let wasWord = 0;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 127) {
        present[128] = 1;
        wasWord = 0;
        continue;
      }
      present[code] = 1;
      const isWord = isWordCharacter[code] ?? 0;
      if (isWord > wasWord) this.follow(text, index);
      wasWord = isWord;
    }
    for (let code = 0; code <= 128; code += 1) {
      if (present[code] === 1) for (const pattern of this.bySign[code] ?? []) found[pattern] = 1;
    }
    return found;
  }

  private follow(text: string, from: number): void {
    const { next, ends, found } = this;
    let node = 0;
    for (let index = from; index < text.length; index += 1) {
      const column = columnOf[text.charCodeAt(index)] ?? 0;
      node = column === 0 ? 0 : (next[node * COLUMNS + column] ?? 0);
      if (node === 0) return;
      const patterns = ends[node];
      if (patterns === undefined) continue;
      for (const pattern of patterns) found[pattern] = 1;
    }
  }

  private add(start: string, pattern: number): void {
    if (!/^[a-z]/.test(start)) throw new Error(`a word does not start with "${start}"`);
    let node = 0;
    for (const character of start.slice(0, MAX_LENGTH)) {
      const column = columnOf[character.charCodeAt(0)] ?? 0;
      if (column === 0) throw new Error(`"${start}" has a character that no start may have`);
      const place = node * COLUMNS + column;
      node = this.next[place] ?? 0;
      if (node === 0) {
        node = this.addNode();
        this.next[place] = node;
      }
    }
    const ends = (this.ends[node] ??= []);
    if (!ends.includes(pattern)) ends.push(pattern);
  }

  private addNode(): number {
    const node = this.nodes;
    this.nodes += 1;
    if (this.nodes * COLUMNS > this.next.length) {
      const larger = new Uint16Array(this.next.length * 2);
      larger.set(this.next);
      this.next = larger;
    }
    return node;
  }
}

interface Outline {
  /** Where alternatives end that are not within a group. */
  readonly bars: readonly number[];
  /** Where the first group ends; undefined: there is none. */
  readonly groupEnd: number | undefined;
}

function outlineOf(source: string): Outline {
  const bars: number[] = [];
  let groupEnd: number | undefined;
  let depth = 0;
  for (let index = 0; index < source.length; index += 1) {
    const character = source.charAt(index);
    if (character === '\\') index += 1;
    else if (character === '[') index = endOfClass(source, index);
    else if (character === '(') depth += 1;
    else if (character === '|' && depth === 0) bars.push(index);
    else if (character === ')') {
      depth -= 1;
      if (depth === 0) groupEnd ??= index;
    }
  }
  return { bars, groupEnd };
}

/** Where `[a-z(]` ends. */
function endOfClass(source: string, from: number): number {
  let index = from + 1;
  while (index < source.length && source.charAt(index) !== ']') {
    index += source.charAt(index) === '\\' ? 2 : 1;
  }
  return index;
}

/** `a|b(?:c|d)` into `a` and `b(?:c|d)`. */
function alternativesOf(source: string): string[] {
  const { bars } = outlineOf(source);
  return [...bars, source.length].map((bar, index) => source.slice((bars[index - 1] ?? -1) + 1, bar));
}

/** The inside of the group at the beginning of a source: undefined where there is none, or it may be left out. */
function leadingGroup(source: string): string | undefined {
  if (!source.startsWith('(?:')) return undefined;
  const { groupEnd = source.length } = outlineOf(source);
  return /[?*{]/.test(source.charAt(groupEnd + 1)) ? undefined : source.slice(3, groupEnd);
}

/** With what letters a match begins that follows the source, up to the first sign that is no letter or as many as count. */
function literalsOf(source: string): string[] {
  let found = [''];
  for (let index = 0; index < source.length && found.some(({ length }) => length < MAX_LENGTH); index += 1) {
    let character = source.charAt(index);
    if (character === '\\') {
      index += 1;
      character = source.charAt(index);
      if (/\w/.test(character)) break;
    } else if (character === '.' || character === '+') break;
    character = character.toLowerCase();
    if (!LITERALS.includes(character)) break;
    const following = source.charAt(index + 1);
    if (following === '*' || following === '{') break;
    const longer = found.map((start) => start + character);
    found = following === '?' ? [...found, ...longer] : longer;
    if (following === '?') index += 1;
  }
  return found;
}

/**
 * The starts of the words that the matches of a source begin with, where they begin with a word: of
 * `analy[sz]e|trade-?off` they are `analy`, `tradeoff` and `trade-off`.
 *
 * @throws Error where some match may begin with no letter that is known.
 */
export function startsOf(source: string): string[] {
  const starts = alternativesOf(source).flatMap((alternative) => {
    const group = leadingGroup(alternative);
    return group === undefined ? literalsOf(alternative) : startsOf(group);
  });
  if (starts.some((start) => !/^[a-z]/.test(start))) {
    throw new Error(`a match of ${source} may begin with any character: name its starts or its signs`);
  }
  return starts;
}

/**
 * The same of a pattern that begins with `\b` or `^`.
 *
 * @throws Error where some match may begin within a word, or with no letter that is known.
 */
export function startsOfPattern({ source }: RegExp): string[] {
  const [begin = ''] = /^(?:\\b|\^)/.exec(source) ?? [];
  const rest = source.slice(begin.length);
  if (begin === '' || alternativesOf(rest).length > 1) {
    throw new Error(`a match of ${source} may begin within a word: name its starts or its signs`);
  }
  return startsOf(rest);
}
