import { countMatches } from '../count-matches.js';
import type { RequestFeatures } from '../request-features.js';
import { RulesClassifier } from '../rules-classifier.js';
import { groupsOf, unspacedHints, WORD_GROUPS } from './word-groups.js';

const SHAPES = [
  'characters',
  'words',
  'sentences',
  'meanWordLength',
  'longWords',
  'numbers',
  'largeNumbers',
  'decimals',
  'numberShare',
  'mathSigns',
  'latex',
  'codeMarks',
  'optionLines',
  'stemCharacters',
  'optionMeanCharacters',
  'optionSpread',
  'optionNumbers',
  'lines',
  'listLines',
  'capitalisedWords',
  'shoutedWords',
  'questionMarks',
  'endsAsQuestion',
  'endsOpen',
  'blanks',
  'quotes',
  'brackets',
  'commas',
  'colons',
  'distinctWords',
  'foreignLetters',
  'unspacedHard',
  'unspacedEasy',
  'meanSentenceWords',
  'longestSentenceWords',
  'lastSentenceWords',
  'asksWhat',
  'asksWhich',
  'asksWho',
  'asksWhen',
  'asksHow',
  'asksHowMany',
  'asksWhy',
  'startsWithOrder',
  'rules',
] as const;

/** What each place of {@link surfaceOf} holds. */
export const SURFACE_NAMES: readonly string[] = [
  ...SHAPES,
  ...WORD_GROUPS.map((group) => `${group}Words`),
  ...WORD_GROUPS.map((group) => `${group}Share`),
];

const at = Object.fromEntries(SHAPES.map((name, index) => [name, index])) as Record<
  (typeof SHAPES)[number],
  number
>;

const OPTION = /^\s{0,4}(?:[A-J][.):]|\([A-Ja-j]\)|[a-j]\))[ \t]/;
const LIST = /^\s{0,8}(?:\d{1,3}[.)]|[-*•])[ \t]/;
const CODE =
  /```|\b(?:def|function|class|import|return|const|let|var|SELECT|public|void|for|while)\b[^\n]{0,40}[({;:=]|[{};]\s{0,3}(?:\n|$)|=>|==|::|->/g;
const WORD = /[\p{L}'’-]+|\d[\d.,]*/gu;
/** Of a text without a letter that any of them has. */
const NO_HINTS = { hard: 0, easy: 0 };
const ORDERS = new Set(['edit', 'making', 'judgement', 'proof']);
/** Words of a text that are looked at one by one. */
const MAX_WORDS = 2_000;
const MAX_LINES = 400;

const rules = new RulesClassifier();

/** How many doublings, rounded: the last bit of a logarithm differs between machines, and trees ask for `<=`. */
function doublings(count: number): number {
  return Math.round(Math.log2(1 + count) * 1024) / 1024;
}

/** Whether a sentence ends between two words; only the first signs after a word are looked at. */
function endsSentence(text: string, from: number, to: number): boolean {
  const last = Math.min(to, from + 8);
  for (let index = from; index < last; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 10 || code === 33 || code === 46 || code === 63) return true;
    if (code === 0x3002 || code === 0xff01 || code === 0xff1f) return true;
  }
  return false;
}

/** What can be seen of a request without understanding it, as numbers. */
export function surfaceOf(features: RequestFeatures): Float64Array {
  const text = features.questionText.trim();
  const values = new Float64Array(SURFACE_NAMES.length);
  const length = Math.max(text.length, 1);

  // Signs, in one pass.
  let mathSigns = 0;
  let latex = 0;
  let questionMarks = 0;
  let quotes = 0;
  let brackets = 0;
  let commas = 0;
  let colons = 0;
  let blanks = 0;
  let foreign = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) {
      if (code === 0x2264 || code === 0x2265 || code === 0xd7 || code === 0xb2 || code === 0x221a)
        mathSigns += 1;
      else if (code < 0x2000 || code > 0x206f) foreign += 1;
      if (code === 0xff1f || code === 0x61f) questionMarks += 1;
      continue;
    }
    switch (code) {
      case 43: // +
      case 60: // <
      case 61: // =
      case 62: // >
      case 94: // ^
      case 42: // *
      case 47: // /
        mathSigns += 1;
        break;
      case 36: // $
      case 92: // backslash
        latex += 1;
        break;
      case 63:
        questionMarks += 1;
        break;
      case 34:
      case 96:
        quotes += 1;
        break;
      case 40:
      case 91:
      case 123:
        brackets += 1;
        break;
      case 44:
        commas += 1;
        break;
      case 58:
      case 59:
        colons += 1;
        break;
      case 95:
        blanks += 1;
        break;
      default:
    }
  }

  // Lines: options of a choice, points of a list.
  const lines = text.split('\n', MAX_LINES);
  let options = 0;
  let optionCharacters = 0;
  let optionSquares = 0;
  let optionNumbers = 0;
  let listLines = 0;
  for (const line of lines) {
    if (OPTION.test(line)) {
      options += 1;
      optionCharacters += line.length;
      optionSquares += line.length * line.length;
      if (/\d/.test(line)) optionNumbers += 1;
    } else if (LIST.test(line)) listLines += 1;
  }
  const optionMean = options > 0 ? optionCharacters / options : 0;
  const optionVariance = options > 0 ? Math.max(0, optionSquares / options - optionMean * optionMean) : 0;

  // Words.
  const seen = new Map<string, number>();
  const groupCounts = new Float64Array(WORD_GROUPS.length);
  let words = 0;
  let letters = 0;
  let longWords = 0;
  let numbers = 0;
  let largeNumbers = 0;
  let decimals = 0;
  let capitalised = 0;
  let shouted = 0;
  let sentences = 0;
  let sentenceWords = 0;
  let longestSentence = 0;
  let endOfWord = 0;
  let firstGroups = 0;
  WORD.lastIndex = 0;
  for (let match = WORD.exec(text); match !== null; match = WORD.exec(text)) {
    const [written] = match;
    if (words + numbers >= MAX_WORDS) break;
    const startsSentence = words + numbers === 0 || endsSentence(text, endOfWord, match.index);
    endOfWord = match.index + written.length;
    if (startsSentence) {
      longestSentence = Math.max(longestSentence, sentenceWords);
      sentences += 1;
      sentenceWords = 0;
    }
    sentenceWords += 1;
    const first = written.charCodeAt(0);
    if (first >= 48 && first <= 57) {
      numbers += 1;
      if (written.length >= 4) largeNumbers += 1;
      if (/\d[.]\d/.test(written)) decimals += 1;
      continue;
    }
    words += 1;
    letters += written.length;
    if (written.length >= 8) longWords += 1;
    const lower = written.toLowerCase();
    if (lower !== written) {
      if (written.length > 1 && written === written.toUpperCase()) shouted += 1;
      else if (!startsSentence) capitalised += 1;
    }
    const groups = seen.get(lower) ?? groupsOf(lower);
    seen.set(lower, groups);
    if (words === 1) firstGroups = groups;
    for (let group = 0, bits = groups; bits !== 0; group += 1, bits >>>= 1) {
      if ((bits & 1) === 1) groupCounts[group] = (groupCounts[group] ?? 0) + 1;
    }
  }
  longestSentence = Math.max(longestSentence, sentenceWords);
  const tokens = Math.max(words + numbers, 1);

  const stem = options > 0 ? Math.max(0, text.length - optionCharacters) : text.length;
  const unspaced = foreign > 0 ? unspacedHints(text) : NO_HINTS;
  const asks = (pattern: RegExp): number => (pattern.test(text) ? 1 : 0);

  values[at.characters] = doublings(features.questionCharacters);
  values[at.words] = doublings(words);
  values[at.sentences] = doublings(sentences);
  values[at.meanWordLength] = letters / Math.max(words, 1);
  values[at.longWords] = longWords / tokens;
  values[at.numbers] = doublings(numbers);
  values[at.largeNumbers] = doublings(largeNumbers);
  values[at.decimals] = doublings(decimals);
  values[at.numberShare] = numbers / tokens;
  values[at.mathSigns] = doublings(mathSigns);
  values[at.latex] = doublings(latex);
  values[at.codeMarks] = doublings(countMatches(text, CODE, 30));
  values[at.optionLines] = Math.min(options, 10);
  values[at.stemCharacters] = doublings(stem);
  values[at.optionMeanCharacters] = doublings(Math.round(optionMean));
  values[at.optionSpread] = Math.sqrt(optionVariance) / Math.max(optionMean, 1);
  values[at.optionNumbers] = options > 0 ? optionNumbers / options : 0;
  values[at.lines] = doublings(lines.length);
  values[at.listLines] = doublings(listLines);
  values[at.capitalisedWords] = capitalised / tokens;
  values[at.shoutedWords] = shouted / tokens;
  values[at.questionMarks] = Math.min(questionMarks, 4);
  values[at.endsAsQuestion] = /[?？]\W{0,3}$/.test(text) ? 1 : 0;
  values[at.endsOpen] = /[\p{L}\d,:]$/u.test(text) ? 1 : 0;
  values[at.blanks] = doublings(blanks);
  values[at.quotes] = doublings(quotes);
  values[at.brackets] = doublings(brackets);
  values[at.commas] = commas / tokens;
  values[at.colons] = doublings(colons);
  values[at.distinctWords] = seen.size / Math.max(words, 1);
  values[at.foreignLetters] = foreign / length;
  values[at.unspacedHard] = unspaced.hard;
  values[at.unspacedEasy] = unspaced.easy;
  values[at.meanSentenceWords] = tokens / Math.max(sentences, 1);
  values[at.longestSentenceWords] = doublings(longestSentence);
  values[at.lastSentenceWords] = doublings(sentenceWords);
  values[at.asksWhat] = asks(/\bwhat\b/i);
  values[at.asksWhich] = asks(/\bwhich\b/i);
  values[at.asksWho] = asks(/\bwhose?\b/i);
  values[at.asksWhen] = asks(/\b(?:when|where|what year)\b/i);
  values[at.asksHow] = asks(/\bhow\b/i);
  values[at.asksHowMany] = asks(/\bhow (?:many|much|long|far|old)\b/i);
  values[at.asksWhy] = asks(/\bwhy\b/i);
  values[at.startsWithOrder] = WORD_GROUPS.some(
    (name, group) => ORDERS.has(name) && (firstGroups & (1 << group)) !== 0,
  )
    ? 1
    : 0;
  const { score } = rules.classify(features);
  // The rules' own sum, out of the curve they put it through; rounded for the same reason.
  values[at.rules] = Math.round(Math.min(Math.max(Math.log(score / (1 - score)), -8), 8) * 1024) / 1024;
  for (let group = 0; group < WORD_GROUPS.length; group += 1) {
    const count = groupCounts[group] ?? 0;
    values[SHAPES.length + group] = doublings(count);
    values[SHAPES.length + WORD_GROUPS.length + group] = count / tokens;
  }
  return values;
}
