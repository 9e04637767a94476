import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { readDataUrl } from '../data-url.js';
import { readImageSource } from '../image-source.js';
import { isJsonObject } from '../json-reading.js';
import type {
  BedrockImageFormat,
  CachePointBlock,
  ContentBlock,
  DocumentBlock,
  ImageBlock,
  TextBlock,
} from './bedrock-wire.js';
import { bedrockDocumentFormat } from './bedrock-document-format.js';
import type { DocumentNames } from './document-names.js';

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type UserPart = Exclude<UserMessage['content'], string>[number];
type FilePart = Extract<UserPart, { type: 'file' }>;

const IMAGE_FORMATS: ReadonlyMap<string, BedrockImageFormat> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);

/** What the conversion of one request's content needs to know. */
export interface ContentContext {
  readonly documentNames: DocumentNames;
  readonly takesCachePoints: boolean;
}

/**
 * The content of a user message, or of a tool's result, as blocks. Blank texts are left out: Bedrock refuses them. A
 * `cache_control` mark becomes a `cachePoint` behind its part. `detail` has no word here.
 *
 * @param path Where the content stands in the request, such as `messages[0].content`.
 * @throws {@link InvalidRequestError} for audio, images by address, unknown image types and files, and files that are
 * not in the request.
 */
export function toBedrockContent(
  content: UserMessage['content'],
  path: string,
  context: ContentContext,
): ContentBlock[] {
  if (typeof content === 'string') {
    return toTextBlocks(content, context);
  }
  return content.flatMap((part, index): ContentBlock[] => {
    const partPath = `${path}[${index}]`;
    switch (part.type) {
      case 'text':
        return toTextBlocks([part], context);
      case 'image_url':
        return [toImageBlock(part.image_url.url, partPath), ...cachePointOf(part, context)];
      case 'file':
        return [toDocumentBlock(part, partPath, context), ...cachePointOf(part, context)];
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
  context: ContentContext,
): (TextBlock | CachePointBlock)[] {
  if (content === null || content === undefined) {
    return [];
  }
  if (typeof content === 'string') {
    return content.trim() === '' ? [] : [{ text: content }];
  }
  return content.flatMap((part): (TextBlock | CachePointBlock)[] => {
    const text = part.type === 'refusal' ? part.refusal : part.text;
    return text.trim() === '' ? [] : [{ text }, ...cachePointOf(part, context)];
  });
}

/** Anthropic's `cache_control`, which OpenAI clients put into parts and tools, as the block that stands behind them. */
export function cachePointOf(
  value: object,
  { takesCachePoints }: Pick<ContentContext, 'takesCachePoints'>,
): CachePointBlock[] {
  const mark: unknown = 'cache_control' in value ? value.cache_control : undefined;
  if (!takesCachePoints || !isJsonObject(mark)) {
    return [];
  }
  const { ttl } = mark;
  return [{ cachePoint: { type: 'default', ...(ttl === '5m' || ttl === '1h' ? { ttl } : {}) } }];
}

function toImageBlock(url: string, path: string): ImageBlock {
  const source = readImageSource(url, path);
  if (source.kind === 'url') {
    throw new InvalidRequestError('This model takes images by data URL only.', path);
  }
  const format = IMAGE_FORMATS.get(source.mediaType);
  if (format === undefined) {
    throw new InvalidRequestError('This model takes JPEG, PNG, GIF and WebP images only.', path);
  }
  return { image: { format, source: { bytes: source.base64 } } };
}

function toDocumentBlock(part: FilePart, path: string, { documentNames }: ContentContext): DocumentBlock {
  const dataUrl = readDataUrl(part.file.file_data ?? '', path);
  if (dataUrl === undefined) {
    throw new InvalidRequestError('A file must be given as a data URL in `file_data`.', path);
  }
  const filename = part.file.filename ?? '';
  const format = bedrockDocumentFormat(dataUrl.mediaType, filename);
  if (format === undefined) {
    throw new InvalidRequestError(
      'This model takes PDF, text, Markdown, CSV, HTML, Word and Excel files only.',
      path,
    );
  }
  return { document: { format, name: documentNames.name(filename), source: { bytes: dataUrl.base64 } } };
}
