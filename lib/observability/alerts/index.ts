export { ALERT_STATES, type AlertReport, type AlertStateFilter, describeAlert } from './alert-report.js';
export type { AlertSettings } from './alert-settings.js';
export {
  ALERT_SIGNATURE_HEADER,
  ALERT_TIMESTAMP_HEADER,
  type ReceivedAlert,
  verifyAlertSignature,
} from './alert-signature.js';
export { AlertStore } from './alert-store.js';
export { AlertWebhook } from './alert-webhook.js';
export type { AlertWebhookMessage } from './webhook-message.js';
