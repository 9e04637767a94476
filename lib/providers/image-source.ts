import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { readDataUrl } from './data-url.js';

/** Where an `image_url` part has its picture. */
export type ImageSource =
  | { readonly kind: 'data'; readonly mediaType: string; readonly base64: string }
  /** The provider has to fetch it; the router never does. */
  | { readonly kind: 'url'; readonly url: URL };

/** What every maker's models with vision read. */
export const COMMON_IMAGE_TYPES: ReadonlySet<string> = new Set([
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
]);

/**
 * Reads the URL of an `image_url` part. A picture's first bytes go before the type its URL declares: OpenAI looks at
 * the bytes too, the others refuse a picture that is not what it says.
 *
 * @param path Where the part stands in the request.
 * @throws {@link InvalidRequestError} for any other kind of URL, broken base64, and what is no picture.
 */
export function readImageSource(address: string, path: string): ImageSource {
  const data = readDataUrl(address, path);
  if (data === undefined) {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      throw new InvalidRequestError(`\`${path}\` must hold an http(s) or data URL.`, path);
    }
    return { kind: 'url', url };
  }
  const mediaType =
    typeOfBytes(data.base64) ?? (data.mediaType === 'image/jpg' ? 'image/jpeg' : data.mediaType);
  if (!mediaType.startsWith('image/')) {
    throw new InvalidRequestError(`\`${path}\` holds no image: documents go into \`file\` parts.`, path);
  }
  return { kind: 'data', mediaType, base64: data.base64 };
}

function typeOfBytes(base64: string): string | undefined {
  const start = Buffer.from(base64.slice(0, 16), 'base64').toString('latin1');
  if (start.startsWith('\x89PNG')) return 'image/png';
  if (start.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (start.startsWith('GIF8')) return 'image/gif';
  if (start.startsWith('RIFF') && start.slice(8) === 'WEBP') return 'image/webp';
  return undefined;
}
