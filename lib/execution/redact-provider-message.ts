const MAX_LENGTH = 300;
const MAX_READ = 2_000;
/** More text than this is not compared with a sentence: it would hold up every other request. */
const MAX_COMPARED = 1_000_000;
/** Pieces this short give nothing away, and redacting them would leave nothing readable. */
const PIECE_LENGTH = 6;
const SECRET = /(?:sk|pk|key|token|bearer|AIza|org|proj|req)[-_ ]?[A-Za-z0-9_\-*.]{8,}/gi;
const WORD = /[\p{L}\p{N}_@.+-]+/gu;
/** Letters and digits alone: a provider may put a comma, a quote or an escaped line end beside them. */
const RUN = /[\p{L}\p{N}\p{M}]+/gu;
const DIGIT = /\p{N}/u;
const NO_SENTENCE = 'The provider refused the request.';

/** All strings of a value. Undefined: too much to be compared. */
function textsOf(value: unknown): string[] | undefined {
  const texts: string[] = [];
  const waiting: unknown[] = [value];
  let length = 0;
  while (waiting.length > 0) {
    const current = waiting.pop();
    if (typeof current === 'string') {
      length += current.length;
      if (length > MAX_COMPARED) return undefined;
      texts.push(normalise(current));
    } else if (typeof current === 'object' && current !== null) {
      // Not spread into `push`: a hundred thousand parts are more arguments than a call may have.
      for (const part of Object.values(current) as unknown[]) waiting.push(part);
    }
  }
  return texts;
}

function normalise(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

function runsOf(text: string): string[] {
  return text.match(RUN) ?? [];
}

function* piecesOf(run: string): Generator<string> {
  for (let start = 0; start + PIECE_LENGTH <= run.length; start += 1) {
    yield run.slice(start, start + PIECE_LENGTH);
  }
}

function isTelling(word: string): boolean {
  return word.length >= PIECE_LENGTH || DIGIT.test(word);
}

/** Those of `candidates` that occur in the texts: whole words, runs with a digit, and pieces of longer runs. */
function findQuoted(candidates: ReadonlySet<string>, texts: readonly string[]): Set<string> {
  const found = new Set<string>();
  const check = (candidate: string): void => {
    if (candidates.has(candidate)) found.add(candidate);
  };
  for (const text of texts) {
    for (const [word] of text.matchAll(WORD)) check(word);
    for (const run of runsOf(text)) {
      check(run);
      for (const piece of piecesOf(run)) check(piece);
    }
  }
  return found;
}

/** What would give a word of the message away as the prompt's. */
function tracesOf(word: string): string[] {
  const normal = normalise(word);
  const runs = runsOf(normal);
  return [
    ...(isTelling(normal) ? [normal] : []),
    ...runs.filter((run) => DIGIT.test(run)),
    ...runs.flatMap((run) => [...piecesOf(run)]),
  ];
}

/**
 * A provider's sentence made fit to be shown: key-like words are taken out, and so is every word that shares six
 * letters in a row, or a group of letters with a digit in it, with what the caller sent or with one of the secrets. What
 * remains is the provider's own wording.
 */
export function redactProviderMessage(
  message: string,
  request: object,
  secrets: readonly string[] = [],
): string {
  // The model's name is the configuration's business, and the point of many a sentence.
  const texts = textsOf([{ ...request, model: undefined }, secrets]);
  if (texts === undefined) return NO_SENTENCE;
  const sentence = message.normalize('NFKC').slice(0, MAX_READ).replace(SECRET, '[redacted]');
  const words = sentence.match(WORD) ?? [];
  const quoted = findQuoted(new Set(words.flatMap(tracesOf)), texts);
  return sentence
    .replace(WORD, (word) => (tracesOf(word).some((trace) => quoted.has(trace)) ? '[redacted]' : word))
    .replace(/(?:\[redacted\][\s,;:'"]*){2,}/g, '[redacted] ')
    .slice(0, MAX_LENGTH);
}
