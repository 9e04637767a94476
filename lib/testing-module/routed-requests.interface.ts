import type { SurfaceName } from '../context/index.js';
import type { LlmRouterErrorCode } from '../errors/index.js';
import type { Outcome, RequestRecord, Tier } from '../telemetry/index.js';
import type { ScriptedCall } from './scripting.interface.js';

/**
 * One request that has ended: the router's own record of it, and its calls.
 *
 * @publicApi
 */
export interface RoutedRequest extends Omit<RequestRecord, 'servedBy'> {
  /** What served it; undefined when nothing did, as the next three. */
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly deployment: string | undefined;
  readonly tier: Tier | undefined;
  /** Every call of a model, in the order they were made. */
  readonly calls: readonly ScriptedCall[];
}

/**
 * What a routed request is expected to be; what is left out may be anything.
 *
 * @publicApi
 */
export interface RoutedExpectation {
  /** `none`: without a surface. */
  // eslint-disable-next-line @typescript-eslint/no-redundant-type-constituents -- `SurfaceName` is narrower in applications that declare theirs
  readonly surface?: SurfaceName | 'none';
  /** The model that served it: its name, or an alias. */
  readonly model?: string;
  /** The provider that served it. */
  readonly provider?: string;
  /** The tier that served it. */
  readonly tier?: Tier;
  readonly requestClass?: string;
  readonly outcome?: Outcome;
  readonly errorCode?: LlmRouterErrorCode;
  readonly streamed?: boolean;
  /** How many calls it took. */
  readonly attempts?: number;
  /** How many such requests there must be. @defaultValue at least one */
  readonly times?: number;
}
