import { isRecord, listOf, recordOf } from './json-value.js';
import type { UpstreamRetryAfter } from './upstream-fault.interface.js';
import type { UpstreamDocument, UpstreamWire } from './upstream-wire.interface.js';

const SAYS_WHEN = /^retry-after|ratelimit.*reset/;
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';
const A_YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * Every form in which a provider says when to come back, by a name for each; among them a date in the past, what nobody
 * can read, a wait that is absurdly long, and none at all.
 *
 * @param seconds - how long the wait is, where the form tells the truth
 *
 * @example
 * for (const [name, retryAfter] of Object.entries(retryAfterForms(2))) {
 *   upstream.failNext({ kind: 'status', status: 429, retryAfter });
 * }
 *
 * @publicApi
 */
export function retryAfterForms(seconds = 1): Readonly<Record<string, UpstreamRetryAfter>> {
  return {
    seconds: { as: 'seconds', seconds: Math.ceil(seconds) },
    fractional_seconds: { as: 'seconds', seconds: Math.max(Math.ceil(seconds) - 0.5, 0.5) },
    http_date: { as: 'http_date', seconds },
    milliseconds: { as: 'milliseconds', seconds },
    retry_info: { as: 'retry_info', seconds },
    reset_header: { as: 'reset_header', seconds },
    past_date: { as: 'http_date', seconds: -60 },
    garbage: { as: 'text', text: 'soon, I hope' },
    absurdly_long: { as: 'seconds', seconds: A_YEAR_SECONDS },
    none: { as: 'none' },
  };
}

/** The error document with this sign of when to come back, and no other. */
export function withRetryAfter(
  document: UpstreamDocument,
  form: UpstreamRetryAfter,
  wire: UpstreamWire,
  nowMs: number,
): UpstreamDocument {
  const headers = Object.entries(document.headers).filter(([name]) => !SAYS_WHEN.test(name));
  return {
    status: document.status,
    headers: { ...Object.fromEntries(headers), ...headersOf(form, wire, nowMs) },
    body: withRetryInfo(document.body, form),
  };
}

function headersOf(
  form: UpstreamRetryAfter,
  wire: UpstreamWire,
  nowMs: number,
): Readonly<Record<string, string>> {
  switch (form.as) {
    case 'seconds':
      return { 'retry-after': String(form.seconds) };
    case 'http_date':
      return { 'retry-after': httpDate(nowMs + form.seconds * 1000) };
    case 'milliseconds':
      return { 'retry-after-ms': String(form.seconds * 1000) };
    case 'reset_header':
      return wire.rateLimitHeaders?.({ remainingRequests: 0, resetMs: form.seconds * 1000 }, nowMs) ?? {};
    case 'text':
      return { 'retry-after': form.text };
    case 'retry_info':
    case 'none':
      return {};
  }
}

/** Dates have whole seconds: rounded up, so that who waits until then has waited long enough. */
function httpDate(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toUTCString();
}

function withRetryInfo(body: unknown, form: UpstreamRetryAfter): unknown {
  if (Array.isArray(body)) return body.map((entry: unknown) => withRetryInfo(entry, form));
  if (form.as !== 'retry_info' || !isRecord(body)) return body;
  const error = recordOf(body.error);
  const details = [...listOf(error.details), { '@type': RETRY_INFO, retryDelay: `${form.seconds}s` }];
  return { ...body, error: { ...error, details } };
}
