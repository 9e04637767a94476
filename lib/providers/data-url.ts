import { InvalidRequestError } from '../errors/invalid-request-error.js';

/** The pieces of a `data:` URL (RFC 2397). */
export interface DataUrl {
  /** In lower case, without parameters; `text/plain` where the URL names none. */
  readonly mediaType: string;
  /** The content in base64, whichever way the URL carried it: padded, in the usual alphabet, without line breaks. */
  readonly base64: string;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

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
  // What is right already, which is nearly everything, is gone over once.
  if (text.length % 4 === 0 && BASE64.test(text)) {
    return text;
  }
  const compact = decodePercent(text).replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/');
  const padding = compact.endsWith('==') ? 2 : compact.endsWith('=') ? 1 : 0;
  const bare = compact.slice(0, compact.length - padding);
  if (!BASE64.test(bare) || bare.includes('=') || bare.length % 4 === 1) {
    throw new InvalidRequestError(`\`${path}\` must hold base64.`, path);
  }
  return bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
}

function decodePercent(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text) : text;
  } catch {
    return text;
  }
}
