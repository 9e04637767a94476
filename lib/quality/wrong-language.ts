import type { JudgedChoice } from './answer-collector.js';
import type { AskedOfAnswer } from './asked-of-answer.js';
import { clearLanguage, isAlike } from './clear-language.js';
import { detectLanguage } from './detect-language.js';
import { asksForOtherWords } from './other-words.js';

/** Code in fences, code in lines, and what is quoted by lines. */
const CODE = /```[\s\S]*?(?:```|$)|`[^`\n]*`|^>.*$/gm;
const QUOTED = /"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|(?<!\p{L})'[^'\n]*'(?!\p{L})/gu;
/** Code without fences has more of these than words have. */
const CODE_SIGNS = /[{}()[\];=<>_/\\|$#*+]/g;
const MAX_CODE_SHARE = 0.03;
/** What is read of an answer. */
const READ_CHARACTERS = 1_200;

/** The answer is not in the language that the last user turn is in. In doubt, it is. */
export function isWrongLanguage(choice: JudgedChoice, asked: AskedOfAnswer): boolean {
  const { question, around, wanted } = asked;
  // Its names are mostly English, whatever is asked.
  if (question === undefined || wanted !== undefined || choice.calls.length > 0) return false;
  const words = withoutCode(choice.text.slice(0, READ_CHARACTERS));
  const spoken = clearLanguage(words);
  if (spoken === undefined) return false;
  const expected = clearLanguage(question);
  if (expected === undefined || isAlike(expected, spoken)) return false;
  // All that follows is for the few that seem to be in another one.
  return !isCode(words) && isSurelyIn(expected, question) && !around.some((text) => mayWant(spoken, text));
}

function withoutCode(text: string): string {
  return text.includes('`') || text.includes('>') ? text.replace(CODE, ' ') : text;
}

/** Code without fences, or data. */
function isCode(text: string): boolean {
  const signs = text.match(CODE_SIGNS)?.length ?? 0;
  return /^\s*[{[<]/.test(text) || signs > text.length * MAX_CODE_SHARE;
}

/** The instruction itself, and not what it is about: of a pasted text it stands in front, or behind. */
function isSurelyIn(language: string, question: string): boolean {
  if (asksForOtherWords(question)) return false;
  const unquoted = withoutCode(question).replace(QUOTED, ' ');
  if (unquoted !== question && clearLanguage(unquoted) !== language) return false;
  const pieces = unquoted.split(/[\n:]+/).filter((piece) => piece.trim() !== '');
  if (pieces.length < 2) return true;
  return [pieces[0], pieces.at(-1)].every((piece) => detectLanguage(piece ?? '') === language);
}

/** An earlier turn, or the instructions, in that language, or about languages. */
function mayWant(language: string, text: string): boolean {
  return detectLanguage(text) === language || asksForOtherWords(text);
}
