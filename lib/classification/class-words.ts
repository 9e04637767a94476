/** A letter or a digit beside a word makes it part of a longer one. */
const WORD_CHARACTER = /^[\p{L}\p{M}\p{N}_]$/u;
/** Written without spaces between words: there a word may begin anywhere. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}]$/u;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function standsAlone(character: string | undefined): boolean {
  return character !== undefined && WORD_CHARACTER.test(character) && !UNSPACED.test(character);
}

/** One word or phrase with its boundaries; white space in it stands for any. */
function patternOf(word: string): string {
  const characters = [...word];
  const before = standsAlone(characters.at(0)) ? '(?<![\\p{L}\\p{M}\\p{N}_])' : '';
  const after = standsAlone(characters.at(-1)) ? '(?![\\p{L}\\p{M}\\p{N}_])' : '';
  return `${before}${word.split(/\s+/).map(escaped).join('\\s{1,8}')}${after}`;
}

/**
 * Finds any of the words or phrases in a text, in any case, as words: `will` is not in `goodwill`. The words are taken
 * as they are written: none of their characters has a meaning of its own.
 */
export function compileWords(words: readonly string[]): (text: string) => boolean {
  const patterns = words.map((word) => patternOf(word.normalize('NFC').trim()));
  const pattern = new RegExp(patterns.join('|'), 'iu');
  return (text) => pattern.test(text.normalize('NFC'));
}
