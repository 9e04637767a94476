import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { readBase64, readDataUrl } from '../data-url.js';
import { readImageSource } from '../image-source.js';
import type { GeminiModelTraits } from './gemini-model-traits.js';
import type { GeminiPart } from './gemini-wire.js';

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type UserPart = Exclude<UserMessage['content'], string>[number];
export type MediaPart = Exclude<UserPart, { type: 'text' }>;

/** Gemini reads these; GIF is not among them. */
const IMAGE_TYPES: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/webp',
  'image/heic',
  'image/heif',
]);

const TYPE_OF_IMAGE: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
]);

const TYPE_OF_FILE: ReadonlyMap<string, string> = new Map([
  ...TYPE_OF_IMAGE,
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['mp3', 'audio/mp3'],
  ['wav', 'audio/wav'],
  ['flac', 'audio/flac'],
  ['mp4', 'video/mp4'],
  ['webm', 'video/webm'],
  ['mov', 'video/mov'],
]);

/**
 * A picture, a file or sound as Gemini has it. What is in the request goes inline. A picture at an https address is
 * fetched by Google, where the model does that and the address tells the picture's type, which Google wants to know. So
 * is, where the host reads buckets, what has a `gs://` address, files too.
 *
 * @param path Where the part stands in the request.
 * @throws {@link InvalidRequestError} for other addresses, types Gemini does not read, and broken base64.
 */
export function toGeminiMedia(part: MediaPart, path: string, traits: GeminiModelTraits): GeminiPart {
  switch (part.type) {
    case 'image_url':
      return toImage(part.image_url.url, path, traits);
    case 'input_audio':
      return {
        inlineData: {
          mimeType: `audio/${part.input_audio.format}`,
          data: readBase64(part.input_audio.data, path),
        },
      };
    case 'file': {
      const address = part.file.file_data ?? '';
      if (traits.readsBuckets && isInBucket(address)) {
        return toBucketFile(address, TYPE_OF_FILE, path);
      }
      const file = readDataUrl(address, path);
      if (file === undefined) {
        throw new InvalidRequestError('A file must be given as a data URL in `file_data`.', path);
      }
      return { inlineData: { mimeType: file.mediaType, data: file.base64 } };
    }
    default:
      throw new InvalidRequestError('This model does not take this kind of content.', path);
  }
}

function toImage(address: string, path: string, traits: GeminiModelTraits): GeminiPart {
  if (traits.readsBuckets && isInBucket(address)) {
    return toBucketFile(address, TYPE_OF_IMAGE, path);
  }
  const source = readImageSource(address, path);
  if (source.kind === 'data') {
    if (!IMAGE_TYPES.has(source.mediaType)) {
      throw new InvalidRequestError('This model takes PNG, JPEG, WebP, HEIC and HEIF images only.', path);
    }
    return { inlineData: { mimeType: source.mediaType, data: source.base64 } };
  }
  const mimeType = typeByExtension(source.url.pathname, TYPE_OF_IMAGE);
  if (!traits.fetchesUrls || source.url.protocol !== 'https:' || mimeType === undefined) {
    throw new InvalidRequestError(
      'An image must be a data URL: this model fetches none, or only https addresses that end in `.png`, `.jpg` or `.webp`.',
      path,
    );
  }
  return { fileData: { mimeType, fileUri: address } };
}

function isInBucket(address: string): boolean {
  return /^gs:\/\/[^/]+\/./.test(address);
}

function toBucketFile(address: string, types: ReadonlyMap<string, string>, path: string): GeminiPart {
  const mimeType = typeByExtension(address, types);
  if (mimeType === undefined) {
    throw new InvalidRequestError(
      `A \`gs://\` address must end in one of ${[...types.keys()].map((name) => `\`.${name}\``).join(', ')}.`,
      path,
    );
  }
  return { fileData: { mimeType, fileUri: address } };
}

function typeByExtension(name: string, types: ReadonlyMap<string, string>): string | undefined {
  return types.get(/\.([a-z0-9]{3,4})$/i.exec(name)?.[1]?.toLowerCase() ?? '');
}
