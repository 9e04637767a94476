import type { ChatLimits } from '../chat/index.js';
import type { LlmRouterConfiguration } from '../config/index.js';
import type { ConfigurationIssue } from '../errors/configuration-error.js';
import type { CompiledOptions, PolicySnapshot } from '../planning/index.js';
import type { LlmUpstreams } from '../providers/llm-upstreams.js';
import type { UpstreamClient } from '../providers/upstream-client.js';

/** Everything a request takes once and carries along: the policy and the clients that belong to it. */
export interface RoutingRuntime {
  readonly configuration: LlmRouterConfiguration;
  readonly policy: PolicySnapshot;
  readonly clients: ReadonlyMap<string, UpstreamClient>;
  readonly limits: ChatLimits & {
    readonly requestsInFlight: number;
    readonly requestsInFlightPerKey: number | undefined;
  };
  readonly warnings: readonly ConfigurationIssue[];
  /** The rest of the boot proof, which takes its time. @throws {@link ConfigurationError}. */
  ready(): Promise<void>;
  /** Whoever uses the clients says so, and calls what this gives when it is done with them. */
  hold(): () => void;
  /** Resolves when nobody uses the clients. */
  whenFree(): Promise<void>;
  /** Ends the clients' connections, whoever uses them. */
  close(): Promise<void>;
}

/** Builds the runtime of a proven configuration: one client a provider. */
export function buildRuntime(
  { configuration, policy, warnings }: CompiledOptions,
  upstreams: LlmUpstreams,
): RoutingRuntime {
  const { limits } = configuration;
  const connected = upstreams.connect(configuration);
  const holds = new Holds();
  return {
    configuration,
    policy,
    clients: connected.clients,
    warnings,
    limits: { ...limits, requestsInFlightPerKey: limits.requestsInFlightPerKey ?? undefined },
    ready: async () => connected.ready?.(),
    hold: () => holds.take(),
    whenFree: () => holds.whenNone(),
    close: () => connected.close(),
  };
}

/** Counts who uses something. */
class Holds {
  #count = 0;
  #onNone: (() => void)[] = [];

  /** Gives what takes the hold back, once. */
  take(): () => void {
    this.#count += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count -= 1;
      if (this.#count === 0) for (const onNone of this.#onNone.splice(0)) onNone();
    };
  }

  async whenNone(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => this.#onNone.push(resolve));
  }
}
