import { openTelemetry } from './open-telemetry.js';

/** The version of W3C's Trace Context that is written. */
const VERSION = '00';

/**
 * W3C's `traceparent` of the span that is active; undefined: none is, or it has no valid ids. Nothing else of the context
 * leaves the application: `tracestate` and baggage may say what is no provider's business.
 */
export function traceParent(): string | undefined {
  const api = openTelemetry();
  const context = api?.trace.getSpanContext(api.context.active());
  if (api === undefined || context === undefined || !api.isSpanContextValid(context)) return undefined;
  const flags = (context.traceFlags & 0xff).toString(16).padStart(2, '0');
  return `${VERSION}-${context.traceId}-${context.spanId}-${flags}`;
}
