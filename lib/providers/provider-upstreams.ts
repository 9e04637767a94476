import type { LlmRouterConfiguration } from '../config/index.js';
import { adapterFor } from './adapter-registry.js';
import { AxiosTransport } from './axios-transport.js';
import { type ConnectedUpstreams, LlmUpstreams } from './llm-upstreams.js';
import { ProviderClient } from './provider-client.js';
import type { RequestAuthorizer } from './request-authorizer.js';
import type { Transport } from './transport.js';
import { GoogleAuthorizer } from './vertex/google-authorizer.js';
import { readVertexSettings, type VertexSettings } from './vertex/vertex-settings.js';

/** The configured providers themselves. */
export class ProviderUpstreams extends LlmUpstreams {
  override readonly environment = process.env;

  override connect({ execution, providers }: LlmRouterConfiguration): ConnectedUpstreams {
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
    for (const [name, provider] of Object.entries(providers ?? {})) {
      const vertex = provider.api === 'vertex' ? readVertexSettings(provider, this.environment) : undefined;
      const adapter = adapterFor(provider.api, { apiVersion: provider.apiVersion, vertex });
      clients.set(
        name,
        new ProviderClient({
          adapter,
          transport: transportFor(provider.caFile ?? undefined),
          // The boot proof has seen to it that one of the two is there.
          baseUrl: provider.baseUrl ?? adapter.defaultBaseUrl ?? '',
          apiKey: provider.apiKey ?? undefined,
          authorizer: vertex === undefined ? undefined : vertexAuthorizerOf(vertex),
        }),
      );
    }
    return {
      clients,
      close: async () => {
        await Promise.all([...transports.values()].map((transport) => transport.close()));
      },
    };
  }
}

/** In express mode the key is enough. */
function vertexAuthorizerOf({ isExpress, project }: VertexSettings): RequestAuthorizer | undefined {
  return isExpress ? undefined : new GoogleAuthorizer({ project });
}
