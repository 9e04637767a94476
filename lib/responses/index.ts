export { fromChatCompletion } from './from-chat-completion.js';
export { legacyCompletionsError, refusedRoute } from './refused-route.js';
export { ResponseEventTranslator } from './response-event-translator.js';
export { ResponseNotFoundError } from './response-not-found-error.js';
export type { RecallItem } from './to-chat-messages.js';
export { toChatRequest } from './to-chat-request.js';
export { writeResponseEvent } from './write-response-event.js';
