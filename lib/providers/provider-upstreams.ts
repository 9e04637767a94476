import { channel } from 'node:diagnostics_channel';
import { configuredKeys, type LlmRouterConfiguration, type TracingOptions } from '../config/index.js';
import { type TelemetryBus, traceParent } from '../telemetry/index.js';
import { adapterFor } from './adapter-registry.js';
import { LanguageModelClient } from './ai-sdk/language-model-client.js';
import { AxiosTransport } from './axios-transport.js';
import { authorizerFor } from './authorizer-for.js';
import { checkPackages } from './check-packages.js';
import type { KeyChange } from './key-ring.js';
import { type ConnectedUpstreams, LlmUpstreams, type WatchedRouter } from './llm-upstreams.js';
import { ProviderClient } from './provider-client.js';
import { ProviderKeys } from './provider-keys.js';
import type { Transport } from './transport.js';
import type { UpstreamClient } from './upstream-client.js';
import { readVertexSettings } from './vertex/vertex-settings.js';

/** The configured providers themselves. */
export class ProviderUpstreams extends LlmUpstreams {
  override readonly environment = process.env;
  /** Undefined until the router is put together, which is before the first call. */
  #bus: TelemetryBus | undefined;

  override watch({ bus }: WatchedRouter): void {
    this.#bus = bus;
  }

  override connect({ execution, providers, observability }: LlmRouterConfiguration): ConnectedUpstreams {
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
    const clients = new Map<string, UpstreamClient>();
    for (const [name, provider] of Object.entries(providers ?? {})) {
      if (provider.api === 'ai-sdk') {
        // The boot proof has seen to it that the function is there.
        const { languageModel } = provider;
        if (languageModel) clients.set(name, new LanguageModelClient({ name, languageModel }));
        continue;
      }
      const vertex = provider.api === 'vertex' ? readVertexSettings(provider, this.environment) : undefined;
      const adapter = adapterFor(provider.api, {
        apiVersion: provider.apiVersion,
        baseUrl: provider.baseUrl,
        region: provider.region,
        vertex,
      });
      const source = configuredKeys(provider);
      const onChange = (change: KeyChange): void => {
        this.tell(name, change);
      };
      clients.set(
        name,
        new ProviderClient({
          name,
          adapter,
          transport: transportFor(provider.caFile ?? undefined),
          // The boot proof has seen to it that one of the two is there.
          baseUrl: provider.baseUrl ?? adapter.defaultBaseUrl ?? '',
          keys: source === undefined ? undefined : new ProviderKeys({ source, onChange }),
          authorizer: authorizerFor(provider, vertex),
          traceParent: traceParentFor(execution.httpAdapter, observability.tracing),
        }),
      );
    }
    return {
      clients,
      ready: () => checkPackages({ providers }),
      close: async () => {
        await Promise.all([...transports.values()].map((transport) => transport.close()));
      },
    };
  }

  private tell(provider: string, change: KeyChange): void {
    const { position, total, usable } = change;
    const labels = { provider, position, total, usable };
    if (change.change === 'restored') {
      this.#bus?.emit('key-restored', { ...labels, how: change.how });
    } else {
      this.#bus?.emit('key-refused', { ...labels, kind: change.kind, outMs: change.outMs });
    }
  }
}

/** Whoever instruments undici hears of every request, and adds the header itself: twice it would be no header. */
const undiciRequests = channel('undici:request:create');

function traceParentFor(
  httpAdapter: 'undici' | 'http',
  { enabled, propagate }: TracingOptions,
): (() => string | undefined) | undefined {
  if (!enabled || !propagate) return undefined;
  return () => (httpAdapter === 'undici' && undiciRequests.hasSubscribers ? undefined : traceParent());
}
