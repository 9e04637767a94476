import { SetMetadata } from '@nestjs/common';
import type { Alert, AlertChange, AlertKind, AlertSeverity } from '../telemetry/index.js';

export const ON_LLM_ALERT_METADATA = 'nestjs-llm-router:on-alert';

/**
 * Which alerts a handler hears of.
 *
 * @publicApi
 */
export interface OnLlmAlertOptions {
  /** @defaultValue all */
  readonly kinds?: readonly AlertKind[];
  /** Only alerts at least so severe; one that becomes so is heard of then. @defaultValue 'warning': all */
  readonly severity?: AlertSeverity;
}

/**
 * A method with `@OnLlmAlert()`.
 *
 * @publicApi
 */
export type LlmAlertHandler = (alert: Alert, change: AlertChange) => void | Promise<void>;

/**
 * The method is called when an alert is raised, escalated (it has become critical) or cleared: any injectable's or
 * controller's, as long as it is no request-scoped one. Nobody waits for it, it runs outside the context of any request, and
 * what it throws is logged by its kind and harms nothing.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class Pager {
 *   @OnLlmAlert({ severity: 'critical' })
 *   async page(alert: Alert, change: AlertChange) {
 *     if (change !== 'cleared') await this.pager.trigger(alert.id, alert.message);
 *     else await this.pager.resolve(alert.id);
 *   }
 * }
 * ```
 * @publicApi
 */
export function OnLlmAlert(
  options: OnLlmAlertOptions = {},
): <Handler extends LlmAlertHandler>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void {
  return (target, key, descriptor) => {
    SetMetadata(ON_LLM_ALERT_METADATA, options)(target, key, descriptor);
  };
}
