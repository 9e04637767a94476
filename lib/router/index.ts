export { ConfigurationFileReload } from './configuration-file-reload.js';
export { clientOptionsOf, type RouterClientOptions } from './router-client-options.js';
export { responseEvents } from './response-events.js';
export { ResponseItems } from './response-items.js';
export type { ReconfigureReport } from './reconfigure-report.js';
export { RouterEngine } from './router-engine.js';
export type { RouterFetch } from './router-fetch.js';
export { RouterRegistration } from './router-registration.js';
export {
  RouterService,
  type RoutedChatCompletion,
  type RoutedEmbeddingResponse,
  type RoutedChatStream,
} from './router.service.js';
