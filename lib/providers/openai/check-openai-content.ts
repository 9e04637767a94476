import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { readBase64, readDataUrl } from '../data-url.js';
import { COMMON_IMAGE_TYPES, readImageSource } from '../image-source.js';
import { requireTextParts } from '../require-text-parts.js';

type UserMessage = Extract<ChatCompletionMessageParam, { role: 'user' }>;
type UserPart = Exclude<UserMessage['content'], string>[number];

/**
 * Looks pictures, files and sound through before they are sent, as nothing of them is changed on this wire: broken
 * base64 costs no call, and what OpenAI would refuse another model may take.
 *
 * Compatible servers get pictures in any message, and whatever stands for one: some take ids of their own (`ms://…`),
 * files of their disk, bare base64, films and documents. There only a `data:` URL is looked at, whether it is whole.
 *
 * @throws {@link InvalidRequestError} naming the part.
 */
export function checkOpenAiContent(
  messages: readonly ChatCompletionMessageParam[],
  options: { readonly isCompatible: boolean },
): void {
  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    if (message.role !== 'user') {
      if (!options.isCompatible) requireTextParts(message.content, path);
    } else if (typeof message.content !== 'string') {
      message.content.forEach((part, partIndex) => {
        checkPart(part, `${path}.content[${partIndex}]`, options.isCompatible);
      });
    }
  });
}

function checkPart(part: UserPart, path: string, isCompatible: boolean): void {
  switch (part.type) {
    case 'image_url':
      if (isCompatible) readDataUrl(part.image_url.url, path);
      else checkImage(part.image_url.url, path);
      break;
    case 'file':
      readDataUrl(part.file.file_data ?? '', path);
      break;
    case 'input_audio':
      checkSound(part.input_audio.data, path, isCompatible);
      break;
    case 'text':
      break;
  }
}

function checkImage(url: string, path: string): void {
  const source = readImageSource(url, path);
  if (source.kind === 'data' && !COMMON_IMAGE_TYPES.has(source.mediaType)) {
    throw new InvalidRequestError('This model takes JPEG, PNG, GIF and WebP images only.', path);
  }
}

/** OpenAI wants base64; some compatible servers take addresses too. */
function checkSound(data: string, path: string, isCompatible: boolean): void {
  const isAddress = isCompatible && /^[a-z][a-z0-9+.-]{0,30}:/i.test(data);
  if (isAddress) readDataUrl(data, path);
  else readBase64(data, path);
}
