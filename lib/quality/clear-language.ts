import { rankLanguages } from './detect-language.js';

/** What is read of a text. */
const READ_CHARACTERS = 320;
/** By words alone: so many known ones, such a share of all, and so far ahead of the next language. */
const MIN_KNOWN_WORDS = 4;
const MIN_KNOWN_SHARE = 0.25;
const MIN_LEAD = 2;
/** Texts in other scripts have Latin names and terms in them, not the other way round. */
const MIN_LATIN_SHARE = 0.9;
const MIN_OTHER_SHARE = 0.6;
const MIN_KANA_SHARE = 0.1;

/** Too much alike for a few words to tell them apart. */
const ALIKE: readonly ReadonlySet<string>[] = [new Set(['es', 'pt', 'it']), new Set(['zh', 'ja'])];

/** The same language, or one that might be taken for it. */
export function isAlike(language: string, other: string): boolean {
  return language === other || ALIKE.some((group) => group.has(language) && group.has(other));
}

/** Letters that say something: in a script whose letters are words, fewer. */
const MIN_LETTERS: Readonly<Record<string, number>> = { zh: 10, ja: 12, ko: 12 };
const MIN_OTHER_LETTERS = 20;
const MIN_LATIN_LETTERS = 24;

/** Kana is counted beside Han: Japanese is written in both. */
const SCRIPTS = ['latin', 'ru', 'el', 'he', 'ar', 'hi', 'th', 'ko', 'zh', 'kana'] as const;
type Script = (typeof SCRIPTS)[number];

/** By code units: surrogates are rare letters, or none. Undefined: no letter of a script that is known here. */
function scriptOf(code: number): Script | undefined {
  if (code < 0x80) return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a ? 'latin' : undefined;
  if (code < 0x250) return code >= 0xc0 && code !== 0xd7 && code !== 0xf7 ? 'latin' : undefined;
  if (code < 0x370) return undefined;
  if (code < 0x400) return 'el';
  if (code < 0x530) return 'ru';
  if (code < 0x590) return undefined;
  if (code < 0x600) return 'he';
  if (code < 0x700) return 'ar';
  if (code >= 0x900 && code < 0x980) return 'hi';
  if (code >= 0xe00 && code < 0xe80) return 'th';
  if (code >= 0x3040 && code < 0x3100) return 'kana';
  if (code >= 0x4e00 && code < 0xa000) return 'zh';
  if (code >= 0xac00 && code < 0xd7b0) return 'ko';
  return undefined;
}

/**
 * The language of a text where there is no doubt of it, as an ISO 639-1 code; undefined: in doubt. Scripts stand for their
 * commonest language: what is told apart is the script. Reads the first 320 characters.
 */
export function clearLanguage(text: string): string | undefined {
  const length = Math.min(text.length, READ_CHARACTERS);
  const counts: Record<Script, number> = {
    latin: 0,
    ru: 0,
    el: 0,
    he: 0,
    ar: 0,
    hi: 0,
    th: 0,
    ko: 0,
    zh: 0,
    kana: 0,
  };
  let letters = 0;
  for (let index = 0; index < length; index += 1) {
    const script = scriptOf(text.charCodeAt(index));
    if (script === undefined) continue;
    counts[script] += 1;
    letters += 1;
  }
  if (counts.latin >= letters * MIN_LATIN_SHARE) {
    return letters >= MIN_LATIN_LETTERS ? byWords(text.slice(0, length)) : undefined;
  }
  const japanese = counts.kana >= letters * MIN_KANA_SHARE ? counts.kana + counts.zh : 0;
  if (japanese > 0) return isEnough('ja', japanese, letters) ? 'ja' : undefined;
  return SCRIPTS.find(
    (script) => script !== 'latin' && script !== 'kana' && isEnough(script, counts[script], letters),
  );
}

function isEnough(language: string, count: number, letters: number): boolean {
  return count >= (MIN_LETTERS[language] ?? MIN_OTHER_LETTERS) && count >= letters * MIN_OTHER_SHARE;
}

function byWords(text: string): string | undefined {
  const words = text.toLowerCase().match(/[a-zà-öø-ɏ]+/g) ?? [];
  const [best, ...others] = rankLanguages(words);
  if (best === undefined || best.known < MIN_KNOWN_WORDS) return undefined;
  if (best.known < words.length * MIN_KNOWN_SHARE) return undefined;
  const next = others.find(({ language }) => !isAlike(language, best.language));
  return best.weight >= MIN_LEAD * (next?.weight ?? 0) ? best.language : undefined;
}
