/** The pieces of a `data:` URL (RFC 2397). */
export interface DataUrl {
  /** In lower case, without parameters; `text/plain` where the URL names none. */
  readonly mediaType: string;
  /** The content in base64, whichever way the URL carried it. */
  readonly base64: string;
}

/** The parts of a `data:` URL; undefined for any other URL and for a broken one. */
export function parseDataUrl(url: string): DataUrl | undefined {
  if (!/^data:/i.test(url)) {
    return undefined;
  }
  const comma = url.indexOf(',');
  if (comma < 0) {
    return undefined;
  }
  const [mediaType = '', ...parameters] = url.slice('data:'.length, comma).split(';');
  const content = url.slice(comma + 1);
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64');
  return {
    mediaType: mediaType.trim().toLowerCase() || 'text/plain',
    base64: isBase64 ? content : Buffer.from(decodePercent(content), 'utf8').toString('base64'),
  };
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
