import { retryAfterForms } from './retry-after-forms.js';
import type { UpstreamRequestFault } from './upstream-fault.interface.js';

/**
 * One example of every fault that a single request can meet, by a name for each: for a test that goes through all of
 * them, or for a share of requests that fail in all ways there are.
 *
 * @example
 * upstream.failShare(0.1, Object.values(everyFault()));
 *
 * @publicApi
 */
export function everyFault(): Readonly<Record<string, UpstreamRequestFault>> {
  const rateLimits = Object.entries(retryAfterForms()).map(
    ([name, retryAfter]): [string, UpstreamRequestFault] => [
      `rate_limited_${name}`,
      { kind: 'status', status: 429, retryAfter },
    ],
  );
  return {
    no_headers: { kind: 'stalled' },
    stalled_after_headers: { kind: 'stalled', after: 'headers' },
    stalled_after_first_token: { kind: 'stalled', after: 'first_token' },
    late_headers: { kind: 'delay', delayMs: 5_000 },
    slow_drip: { kind: 'drip', everyMs: 250 },
    cut_before_first_token: { kind: 'cut', afterChunks: 0 },
    cut_after_first_token: { kind: 'cut', afterChunks: 1 },
    cut_at_bytes: { kind: 'cut', afterBytes: 100 },
    cut_by_reset: { kind: 'cut', afterChunks: 1, ending: 'reset' },
    cut_clean: { kind: 'cut', afterChunks: 1, ending: 'clean' },
    empty_body: { kind: 'cut', afterBytes: 0, ending: 'clean' },
    error_event_first: { kind: 'stream_error', afterChunks: 0 },
    error_event_later: { kind: 'stream_error', afterChunks: 2 },
    error_in_200: { kind: 'error_in_200' },
    malformed_at_first: { kind: 'malformed' },
    malformed_later: { kind: 'malformed', afterChunks: 1 },
    wrong_content_type: { kind: 'content_type' },
    html: { kind: 'html' },
    html_502: { kind: 'html', status: 502 },
    oversized_body: { kind: 'oversized' },
    oversized_line: { kind: 'oversized', part: 'line' },
    oversized_header: { kind: 'oversized', part: 'header' },
    reset: { kind: 'reset' },
    reset_reused: { kind: 'reset', connection: 'reused' },
    status_500: { kind: 'status', status: 500 },
    status_503: { kind: 'status', status: 503 },
    status_529: { kind: 'status', status: 529 },
    ...Object.fromEntries(rateLimits),
  };
}
