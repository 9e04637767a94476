import { createRequire } from 'node:module';

export type OpenTelemetry = typeof import('@opentelemetry/api');

/** Where every copy of the API's first major version keeps what an SDK has registered with it. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

interface Registry {
  readonly trace?: object;
  readonly metrics?: object;
}

let api: OpenTelemetry | undefined;

/**
 * OpenTelemetry's API, where the application has set up an SDK. Undefined: it has not.
 *
 * The API takes longer to load than the router may (15 ms), so it is loaded when an SDK is first seen: the SDK has loaded it
 * by then. An SDK that is set up after the boot is seen by the next request.
 */
export function openTelemetry(): OpenTelemetry | undefined {
  const registry = (globalThis as unknown as Readonly<Record<symbol, Registry | undefined>>)[REGISTRY];
  if (registry?.trace === undefined && registry?.metrics === undefined) return undefined;
  // Not `import`, which is for another turn of the event loop: the request that sees the SDK first would be lost.
  api ??= createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry;
  return api;
}
