export { RouterEngine } from './router-engine.js';
export { RouterService, type RoutedChatCompletion, type RoutedChatStream } from './router.service.js';
