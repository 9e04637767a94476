import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The header with the time a webhook's message was signed, in seconds since the epoch.
 *
 * @publicApi
 */
export const ALERT_TIMESTAMP_HEADER = 'x-llm-router-timestamp';

/**
 * The header with the signature of a webhook's message: `v1=` and HMAC-SHA256 in hex, keyed with `alerts.webhook.secret`,
 * over the timestamp, a full stop and the body as it came.
 *
 * @publicApi
 */
export const ALERT_SIGNATURE_HEADER = 'x-llm-router-signature';

/** The header that is the same for each try of one message. */
export const ALERT_DELIVERY_HEADER = 'x-llm-router-delivery';

const DEFAULT_TOLERANCE_MS = 300_000;

export function signAlert(secret: string, timestamp: string, body: string | Uint8Array): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')}`;
}

/**
 * What a receiver of the webhook has.
 *
 * @publicApi
 */
export interface ReceivedAlert {
  /** `alerts.webhook.secret`. */
  readonly secret: string;
  /** The header {@link ALERT_TIMESTAMP_HEADER}. */
  readonly timestamp: string | undefined;
  /** The header {@link ALERT_SIGNATURE_HEADER}. */
  readonly signature: string | undefined;
  /** The body as it came, before it is parsed. */
  readonly body: string | Uint8Array;
  /** Older messages are refused, so that nobody can send one again. @defaultValue 300000 (5 minutes) */
  readonly toleranceMs?: number;
  /** Epoch milliseconds. @defaultValue now */
  readonly nowMs?: number;
}

/**
 * Whether a message that came to the webhook's address is the router's: for the service that receives it.
 *
 * @example
 * ```ts
 * const isGenuine = verifyAlertSignature({
 *   secret: process.env.ALERT_SECRET,
 *   timestamp: request.header(ALERT_TIMESTAMP_HEADER),
 *   signature: request.header(ALERT_SIGNATURE_HEADER),
 *   body: request.rawBody,
 * });
 * ```
 * @publicApi
 */
export function verifyAlertSignature(received: ReceivedAlert): boolean {
  const { secret, timestamp, signature, body, toleranceMs = DEFAULT_TOLERANCE_MS } = received;
  const { nowMs = Date.now() } = received;
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > toleranceMs) return false;
  const expected = Buffer.from(signAlert(secret, timestamp, body));
  const given = Buffer.from(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
