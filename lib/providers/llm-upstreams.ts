import type { LlmRouterConfiguration } from '../config/index.js';
import type { PolicySnapshot } from '../planning/index.js';
import type { LiveSignals } from '../signals/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import type { UpstreamClient } from './upstream-client.js';

/** A client for each configured provider. */
export interface ConnectedUpstreams {
  readonly clients: ReadonlyMap<string, UpstreamClient>;
  /** What has to be seen to at boot and takes its time. Absent: nothing. @throws {@link ConfigurationError}. */
  ready?(): Promise<void>;
  /** Ends their connections. */
  close(): Promise<void>;
}

/** What a router shows of itself to upstreams that watch it. */
export interface WatchedRouter {
  readonly bus: TelemetryBus;
  readonly policy: PolicySnapshot;
  readonly signals: Pick<LiveSignals, 'forget'>;
  /** Aborts with the first word of a shutdown, before the drain. */
  readonly stopping: AbortSignal;
}

/**
 * Where the router's calls go: the injection token of the border between routing and the world. The real one calls the
 * configured providers; `LlmRouterTesting` of `nestjs-llm-router/testing` stands in for it in an application's tests.
 *
 * @publicApi
 */
export abstract class LlmUpstreams {
  /** Where `${NAME}` in the configuration is looked up. @internal */
  abstract readonly environment: NodeJS.ProcessEnv;
  /** Called at boot and for each configuration that is to take its place. @internal */
  abstract connect(configuration: LlmRouterConfiguration): ConnectedUpstreams;
  /** Called right after each `connect`. @internal */
  watch?(router: WatchedRouter): void;
}
