import { InvalidRequestError } from '../errors/invalid-request-error.js';

/** The pieces of a `data:` URL (RFC 2397). */
export interface DataUrl {
  /** In lower case, without parameters; `text/plain` where the URL names none. */
  readonly mediaType: string;
  /** The content in base64, whichever way the URL carried it: padded, in the usual alphabet, without line breaks. */
  readonly base64: string;
}

/** A type and a few parameters; beyond, it is no data URL but work for nothing. */
const MAX_HEAD_CHARACTERS = 1_000;

/** The code of `+` or `/` for the URL's alphabet, the same code for the usual one, 0 for what is no base64. */
const MEANING = new Uint8Array(256);
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  MEANING[letter.charCodeAt(0)] = letter.charCodeAt(0);
}
MEANING['-'.charCodeAt(0)] = '+'.charCodeAt(0);
MEANING['_'.charCodeAt(0)] = '/'.charCodeAt(0);
const PADDING = '='.charCodeAt(0);
const PERCENT = '%'.charCodeAt(0);

/**
 * The parts of a `data:` URL; undefined for a URL of any other kind.
 *
 * @param path Where it stands in the request, such as `messages[0].content[1]`.
 * @throws {@link InvalidRequestError} for one that is broken, empty, or whose base64 is none.
 */
export function readDataUrl(url: string, path: string): DataUrl | undefined {
  if (!/^data:/i.test(url)) {
    return undefined;
  }
  const comma = url.indexOf(',');
  if (comma < 0) {
    throw new InvalidRequestError(`\`${path}\` holds a data URL without content.`, path);
  }
  if (comma > MAX_HEAD_CHARACTERS) {
    throw new InvalidRequestError(`\`${path}\` holds a data URL whose type is too long.`, path);
  }
  const [mediaType = '', ...parameters] = url.slice('data:'.length, comma).split(';');
  const content = url.slice(comma + 1);
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64');
  return {
    mediaType: mediaType.trim().toLowerCase() || 'text/plain',
    base64: isBase64
      ? readBase64(content, path)
      : readBase64(Buffer.from(decodePercent(content), 'utf8').toString('base64'), path),
  };
}

/**
 * Base64 as every provider takes it. Line breaks, percent signs, the URL's alphabet and lacking padding are mended:
 * clients send all of them.
 *
 * @throws {@link InvalidRequestError} for what is none, naming the path.
 */
export function readBase64(text: string, path: string): string {
  const base64 = isProper(text) ? text : mend(text);
  if (base64 === undefined) {
    throw new InvalidRequestError(`\`${path}\` must hold base64.`, path);
  }
  return base64;
}

/** What nearly every text is. By hand: a regular expression could go back over ten million characters. */
function isProper(text: string): boolean {
  if (text.length === 0 || text.length % 4 !== 0) return false;
  const end = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  for (let index = 0; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (MEANING[code] !== code) return false;
  }
  return true;
}

/** The text as proper base64, up to the first character that cannot be; undefined where there is one. */
function mend(text: string): string | undefined {
  const mended = Buffer.allocUnsafe(text.length + 2);
  let length = 0;
  let padding = 0;
  for (let index = 0; index < text.length; index += 1) {
    let code = text.charCodeAt(index);
    if (code === PERCENT) {
      code = Number.parseInt(text.slice(index + 1, index + 3), 16);
      index += 2;
    }
    if (isSpace(code)) continue;
    if (code === PADDING) {
      padding += 1;
      continue;
    }
    const meaning = MEANING[code] ?? 0;
    if (meaning === 0 || padding > 0) return undefined;
    mended[length] = meaning;
    length += 1;
  }
  if (length === 0 || length % 4 === 1 || padding > 2) return undefined;
  while (length % 4 !== 0) {
    mended[length] = PADDING;
    length += 1;
  }
  return mended.toString('latin1', 0, length);
}

/** Blanks, tabs and line breaks. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function decodePercent(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text) : text;
  } catch {
    return text;
  }
}
