export type OpenTelemetry = typeof import('@opentelemetry/api');

/** Where every copy of the API's first major version keeps what an SDK has registered with it. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

interface Registry {
  readonly trace?: object;
  readonly metrics?: object;
}

let api: OpenTelemetry | undefined;
let load: (() => OpenTelemetry) | undefined;
let preparing: Promise<void> | undefined;

/**
 * OpenTelemetry's API, where the application has set up an SDK. Undefined: it has not.
 *
 * The API takes far longer to load than its use is worth where there is no SDK (58 to 145 ms on a busy machine), so it is
 * loaded when one is first seen, which has loaded it by then. An SDK that is set up after the boot is seen by the next
 * request.
 */
export function openTelemetry(): OpenTelemetry | undefined {
  const registry = (globalThis as unknown as Readonly<Record<symbol, Registry | undefined>>)[REGISTRY];
  if (registry?.trace === undefined && registry?.metrics === undefined) return undefined;
  return (api ??= load?.());
}

/**
 * Once before the first request. Never throws: where the loader cannot be loaded (Jest without ES modules, which takes no
 * `import.meta` in what the package's index reaches) there are no spans.
 */
export function prepareOpenTelemetry(): Promise<void> {
  preparing ??= import('./require-open-telemetry.js').then(
    ({ requireOpenTelemetry }) => {
      load = requireOpenTelemetry;
    },
    () => undefined,
  );
  return preparing;
}
