import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { readDataUrl } from '../data-url.js';
import { COMMON_IMAGE_TYPES, readImageSource } from '../image-source.js';
import { isJsonObject } from '../json-reading.js';
import type { CacheControl, DocumentBlock, ImageBlock, TextBlock } from './anthropic-wire.js';

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type UserPart = Exclude<UserMessage['content'], string>[number];
type FilePart = Extract<UserPart, { type: 'file' }>;

/**
 * The content of a user message, or of a tool's result, as blocks. Empty and blank texts are left out: Anthropic refuses
 * them. `detail` has no word here.
 *
 * @param path Where the content stands in the request, such as `messages[0].content`.
 * @throws {@link InvalidRequestError} for audio, unknown image types, and files that are not in the request.
 */
export function toAnthropicContent(
  content: UserMessage['content'],
  path: string,
): (TextBlock | ImageBlock | DocumentBlock)[] {
  if (typeof content === 'string') {
    return toTextBlocks(content);
  }
  return content.flatMap((part, index): (TextBlock | ImageBlock | DocumentBlock)[] => {
    const partPath = `${path}[${index}]`;
    switch (part.type) {
      case 'text':
        return toTextBlocks([part]);
      case 'image_url':
        return [{ ...toImageBlock(part.image_url.url, partPath), ...cacheControlOf(part) }];
      case 'file':
        return [{ ...toDocumentBlock(part, partPath), ...cacheControlOf(part) }];
      case 'input_audio':
        throw new InvalidRequestError('This model does not take audio.', partPath);
      default:
        throw new InvalidRequestError('This model does not take this kind of content.', partPath);
    }
  });
}

/** Text and text parts as blocks, without the blank ones. A refusal in the history is something that was said. */
export function toTextBlocks(
  content:
    | string
    | readonly ({ type: 'text'; text: string } | { type: 'refusal'; refusal: string })[]
    | null
    | undefined,
): TextBlock[] {
  if (content === null || content === undefined) {
    return [];
  }
  if (typeof content === 'string') {
    return content.trim() === '' ? [] : [{ type: 'text', text: content }];
  }
  return content.flatMap((part): TextBlock[] => {
    const text = part.type === 'refusal' ? part.refusal : part.text;
    return text.trim() === '' ? [] : [{ type: 'text', text, ...cacheControlOf(part) }];
  });
}

/** OpenAI clients that know Anthropic put its cache marks into content parts and tools. */
export function cacheControlOf(value: object): { cache_control?: CacheControl } {
  const cacheControl: unknown = 'cache_control' in value ? value.cache_control : undefined;
  return isJsonObject(cacheControl) ? { cache_control: cacheControl } : {};
}

function toImageBlock(url: string, path: string): ImageBlock {
  const source = readImageSource(url, path);
  if (source.kind === 'url') {
    // Anthropic fetches over https alone.
    if (source.url.protocol !== 'https:') {
      throw new InvalidRequestError('This model takes images by https and data URL only.', path);
    }
    return { type: 'image', source: { type: 'url', url } };
  }
  const { mediaType, base64 } = source;
  if (!COMMON_IMAGE_TYPES.has(mediaType)) {
    throw new InvalidRequestError('This model takes JPEG, PNG, GIF and WebP images only.', path);
  }
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data: base64 } };
}

function toDocumentBlock(part: FilePart, path: string): DocumentBlock {
  const dataUrl = readDataUrl(part.file.file_data ?? '', path);
  if (dataUrl === undefined) {
    throw new InvalidRequestError('A file must be given as a data URL in `file_data`.', path);
  }
  const title = part.file.filename ? { title: part.file.filename } : {};
  if (dataUrl.mediaType === 'application/pdf') {
    return {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: dataUrl.base64 },
      ...title,
    };
  }
  if (dataUrl.mediaType.startsWith('text/')) {
    const text = Buffer.from(dataUrl.base64, 'base64').toString('utf8');
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title };
  }
  throw new InvalidRequestError('This model takes PDF and text files only.', path);
}
