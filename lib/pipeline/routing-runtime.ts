import type { ChatLimits } from '../chat/index.js';
import type { ConfigurationIssue } from '../errors/configuration-error.js';
import type { CompiledOptions, PolicySnapshot } from '../planning/index.js';
import { adapterFor } from '../providers/adapter-registry.js';
import { AxiosTransport } from '../providers/axios-transport.js';
import { ProviderClient } from '../providers/provider-client.js';
import type { Transport } from '../providers/transport.js';

/** Everything a request takes once and carries along: the policy and the clients that belong to it. */
export interface RoutingRuntime {
  readonly policy: PolicySnapshot;
  readonly clients: ReadonlyMap<string, ProviderClient>;
  readonly limits: ChatLimits & {
    readonly requestsInFlight: number;
    readonly requestsInFlightPerKey: number | undefined;
  };
  readonly warnings: readonly ConfigurationIssue[];
  /** Ends the clients' connections. */
  close(): Promise<void>;
}

/** Builds the runtime of a proven configuration: one client a provider. */
export function buildRuntime({ configuration, policy, warnings }: CompiledOptions): RoutingRuntime {
  const { execution, limits } = configuration;
  // Providers share connections' settings, not connections: one transport for each set of trusted authorities.
  const transports = new Map<string | undefined, Transport>();
  const transportFor = (caFile: string | undefined): Transport => {
    let transport = transports.get(caFile);
    if (transport === undefined) {
      transport = new AxiosTransport({
        adapter: execution.httpAdapter,
        connectTimeoutMs: execution.timeouts.connectMs,
        caFile,
      });
      transports.set(caFile, transport);
    }
    return transport;
  };
  const clients = new Map<string, ProviderClient>();
  for (const [name, provider] of Object.entries(configuration.providers ?? {})) {
    const adapter = adapterFor(provider.api);
    clients.set(
      name,
      new ProviderClient({
        adapter,
        transport: transportFor(provider.caFile ?? undefined),
        // The boot proof has seen to it that one of the two is there.
        baseUrl: provider.baseUrl ?? adapter.defaultBaseUrl ?? '',
        apiKey: provider.apiKey ?? undefined,
      }),
    );
  }
  return {
    policy,
    clients,
    warnings,
    limits: { ...limits, requestsInFlightPerKey: limits.requestsInFlightPerKey ?? undefined },
    close: async () => {
      await Promise.all([...transports.values()].map((transport) => transport.close()));
    },
  };
}
