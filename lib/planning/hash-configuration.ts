import { createHash } from 'node:crypto';
import type { LlmRouterConfiguration } from '../config/index.js';

/**
 * Identifies a configuration in decisions and reports: the same but for its keys, the same hash.
 *
 * Keys are left out by place and not by name: a surface may well be called `key`.
 */
export function hashConfiguration(configuration: LlmRouterConfiguration): string {
  const { providers, http, alerts, observability } = configuration;
  const text = JSON.stringify([
    without(configuration, 'providers', 'http', 'alerts', 'observability'),
    // An address to post to is as good as a key.
    without(alerts, 'webhook'),
    // A registry is a thing of the application's, not what is configured, and has no end as text.
    [without(observability, 'metrics'), without(observability.metrics, 'registry')],
    Object.entries(providers ?? {}).map(([name, provider]) => [name, without(provider, 'apiKey', 'apiKeys')]),
    without(http, 'apiKeys'),
    http.apiKeys?.map((entry) => without(entry, 'key')),
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function without(value: object, ...keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
