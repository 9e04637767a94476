import type { ChatLimits } from '../chat/index.js';
import type { ConfigurationIssue } from '../errors/configuration-error.js';
import type { CompiledOptions, PolicySnapshot } from '../planning/index.js';
import type { LlmUpstreams } from '../providers/llm-upstreams.js';
import type { UpstreamClient } from '../providers/upstream-client.js';

/** Everything a request takes once and carries along: the policy and the clients that belong to it. */
export interface RoutingRuntime {
  readonly policy: PolicySnapshot;
  readonly clients: ReadonlyMap<string, UpstreamClient>;
  readonly limits: ChatLimits & {
    readonly requestsInFlight: number;
    readonly requestsInFlightPerKey: number | undefined;
  };
  readonly warnings: readonly ConfigurationIssue[];
  /** The rest of the boot proof, which takes its time. @throws {@link ConfigurationError}. */
  ready(): Promise<void>;
  /** Ends the clients' connections. */
  close(): Promise<void>;
}

/** Builds the runtime of a proven configuration: one client a provider. */
export function buildRuntime(
  { configuration, policy, warnings }: CompiledOptions,
  upstreams: LlmUpstreams,
): RoutingRuntime {
  const { limits } = configuration;
  const connected = upstreams.connect(configuration);
  return {
    policy,
    clients: connected.clients,
    warnings,
    limits: { ...limits, requestsInFlightPerKey: limits.requestsInFlightPerKey ?? undefined },
    ready: async () => connected.ready?.(),
    close: () => connected.close(),
  };
}
