import { IsOptional } from '../class-validator.js';
import { IsCount, IsKey, IsOneOf, IsWebhookUrl } from '../validators.js';

/**
 * Where alerts are sent by POST: raised, escalated, cleared. Whoever knows the address may post to it, so it is treated as a
 * key: it is in no log and no error.
 *
 * @publicApi
 */
export class AlertWebhookOptions {
  /** Best as `${NAME}` of an environment variable. Redirects are not followed. */
  @IsWebhookUrl()
  url!: string;

  /**
   * Signs each message: HMAC-SHA256 over timestamp and body, see `verifyAlertSignature`.
   *
   * @defaultValue none: messages are not signed
   */
  @IsOptional()
  @IsKey()
  secret?: string;

  /** `json`: the alert as it is. `slack`: a message as Slack, Mattermost and others take it. @defaultValue 'json' */
  @IsOneOf(['json', 'slack'])
  format: 'json' | 'slack' = 'json';

  /** Only alerts at least so severe are sent. @defaultValue 'warning': all */
  @IsOneOf(['warning', 'critical'])
  minSeverity: 'warning' | 'critical' = 'warning';

  /** For one try. @defaultValue 5000 */
  @IsCount(1, 60_000)
  timeoutMs = 5_000;

  /** Tries for one message, with growing pauses between them. @defaultValue 5 */
  @IsCount(1, 10)
  maxTries = 5;

  /** The first pause at most, doubled with each. @defaultValue 1000 */
  @IsCount(1, 60_000)
  baseDelayMs = 1_000;
}
