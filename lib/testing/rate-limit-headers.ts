import type { UpstreamRateLimit } from './upstream-limits.interface.js';

/** The headers with these in place of all that tell of the account's limits. */
export function withRateLimit(
  headers: Readonly<Record<string, string>>,
  limits: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  if (limits === undefined) return headers;
  const others = Object.entries(headers).filter(([name]) => !name.includes('ratelimit'));
  return { ...Object.fromEntries(others), ...limits };
}

/** How each provider calls its headers: `part` is the limit, what is left of it, or when it is whole again. */
export function rateLimitHeaders(
  { limitRequests, remainingRequests, limitTokens, remainingTokens, resetMs }: UpstreamRateLimit,
  nameOf: (of: 'requests' | 'tokens', part: 'limit' | 'remaining' | 'reset') => string,
  writeReset: (resetMs: number) => string,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [of, limit, remaining] of [
    ['requests', limitRequests, remainingRequests],
    ['tokens', limitTokens, remainingTokens],
  ] as const) {
    if (limit === undefined && remaining === undefined) continue;
    if (limit !== undefined) headers[nameOf(of, 'limit')] = String(limit);
    if (remaining !== undefined) headers[nameOf(of, 'remaining')] = String(remaining);
    if (resetMs !== undefined) headers[nameOf(of, 'reset')] = writeReset(resetMs);
  }
  return headers;
}

/** A duration as OpenAI writes it: `6ms`, `1.5s`, `6m0s`, `1h2m3s`. */
export function writeDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(Math.round(ms), 0)}ms`;
  const seconds = Math.round(ms) / 1000;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  const rest = `${Math.round((seconds - minutes * 60) * 1000) / 1000}s`;
  return minutes < 60 ? `${minutes}m${rest}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}`;
}
