import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { readBase64, readDataUrl } from '../data-url.js';
import { readImageSource } from '../image-source.js';

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type UserPart = Exclude<UserMessage['content'], string>[number];
/** Whatever a message holds beside words. */
export type MediaPart = Exclude<UserPart, { type: 'text' }>;

/** A file as the AI SDK has it: base64 without its `data:`, or an address which the provider fetches or refuses. */
export interface AiSdkFile {
  /** `image/*` for a picture at an address, whose type nobody has seen: the specification allows it. */
  readonly mediaType: string;
  readonly data: string | URL;
  readonly filename?: string;
}

/** `audio/mp3` is the name of no registry. */
const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([['mp3', 'audio/mpeg']]);

/**
 * @param path Where the part stands in the request, such as `messages[0].content[1]`.
 * @throws {@link InvalidRequestError} for files that are not in the request, broken base64, and kinds yet to come.
 */
export function toAiSdkFile(part: MediaPart, path: string): AiSdkFile {
  switch (part.type) {
    case 'image_url': {
      const source = readImageSource(part.image_url.url, path);
      return source.kind === 'url'
        ? { mediaType: 'image/*', data: source.url }
        : { mediaType: source.mediaType, data: source.base64 };
    }
    case 'input_audio': {
      const { data, format } = part.input_audio;
      return { mediaType: AUDIO_TYPES.get(format) ?? `audio/${format}`, data: readBase64(data, path) };
    }
    case 'file': {
      const file = readDataUrl(part.file.file_data ?? '', path);
      if (file === undefined) {
        throw new InvalidRequestError('A file must be given as a data URL in `file_data`.', path);
      }
      const filename = part.file.filename ? { filename: part.file.filename } : {};
      return { mediaType: file.mediaType, data: file.base64, ...filename };
    }
    default:
      throw new InvalidRequestError('This model does not take this kind of content.', path);
  }
}
