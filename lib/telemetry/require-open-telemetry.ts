import { createRequire } from 'node:module';

const requireHere = createRequire(import.meta.url);

/** Loads the API at once: the request that sees an SDK first has its spans too. */
export function requireOpenTelemetry(): typeof import('@opentelemetry/api') {
  return requireHere('@opentelemetry/api') as typeof import('@opentelemetry/api');
}
