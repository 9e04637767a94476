import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';

/**
 * Claude at Vertex AI fetches nothing: "URL sources are not supported".
 *
 * @throws {@link InvalidRequestError} naming the first image that is not in the request itself.
 */
export function refuseImageAddresses(messages: readonly ChatCompletionMessageParam[]): void {
  messages.forEach(({ content }, index) => {
    if (!Array.isArray(content)) return;
    content.forEach((part, position) => {
      if (part.type === 'image_url' && !/^data:/i.test(part.image_url.url)) {
        throw new InvalidRequestError(
          'This model takes images by data URL only.',
          `messages[${index}].content[${position}]`,
        );
      }
    });
  });
}
