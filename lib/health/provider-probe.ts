import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { UpstreamClient } from '../providers/upstream-client.js';
import { RouterEngine } from '../router/index.js';

/** Each pause is up to this share shorter or longer, so that instances started together do not stay together. */
const JITTER = 0.1;

/** What the last probe of a provider came to. */
export interface ProbeResult {
  /** `unsupported`: the provider answers, but has no list of models at the usual place. */
  readonly status: 'ok' | 'failed' | 'unsupported';
  /** When it ended, in epoch milliseconds. */
  readonly checkedAtMs: number;
  readonly latencyMs: number;
  readonly errorKind: ProviderErrorKind | undefined;
}

/**
 * Asks every provider for its list of models, which costs nothing, where `health.probe` is enabled. One probe at a time
 * a provider; the timers keep no process alive, and the shutdown ends what is under way.
 */
@Injectable()
export class ProviderProbe implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #results = new Map<string, ProbeResult>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #underWay = new Set<AbortController>();
  #unfollow: (() => void) | undefined;
  /** Probes of an earlier configuration end by themselves. */
  #round = 0;

  /** @internal */
  constructor(private readonly engine: RouterEngine) {}

  /** Undefined: none has ended yet, or none is made. */
  resultOf(provider: string): ProbeResult | undefined {
    return this.#results.get(provider);
  }

  onApplicationBootstrap(): void {
    this.#unfollow ??= this.engine.onReconfigured(() => {
      this.stop();
      this.start();
    });
    this.start();
  }

  onModuleDestroy(): void {
    this.#unfollow?.();
    this.stop();
  }

  private start(): void {
    const { runtime, configuration } = this.engine;
    const { probe } = configuration.health;
    for (const name of this.#results.keys()) {
      if (!probe.enabled || runtime.clients.get(name)?.probe === undefined) this.#results.delete(name);
    }
    if (!probe.enabled) return;
    for (const [name, client] of runtime.clients) {
      if (client.probe !== undefined) void this.keepAsking(name, client, this.#round);
    }
  }

  private stop(): void {
    this.#round += 1;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const controller of this.#underWay) controller.abort();
  }

  private async keepAsking(name: string, client: UpstreamClient, round: number): Promise<void> {
    const result = await this.ask(client);
    if (this.#round !== round) return;
    this.#results.set(name, result);
    const { intervalMs } = this.engine.configuration.health.probe;
    const pauseMs = intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
    const timer = setTimeout(() => void this.keepAsking(name, client, round), pauseMs);
    this.#timers.set(name, timer.unref());
  }

  /** Never throws. */
  private async ask(client: UpstreamClient): Promise<ProbeResult> {
    const controller = new AbortController();
    const startedAtMs = performance.now();
    const timer = setTimeout(() => {
      controller.abort(new ProviderError({ kind: 'timeout', providerCode: 'probe_timeout' }));
    }, this.engine.configuration.health.probe.timeoutMs).unref();
    this.#underWay.add(controller);
    const end = (status: ProbeResult['status'], errorKind?: ProviderErrorKind): ProbeResult => ({
      status,
      checkedAtMs: Date.now(),
      latencyMs: performance.now() - startedAtMs,
      errorKind,
    });
    try {
      await client.probe?.(controller.signal);
      return end('ok');
    } catch (error) {
      if (!(error instanceof ProviderError)) return end('failed', 'bad_response');
      const hasNoList = error.status === 404 || error.status === 405 || error.status === 501;
      return hasNoList ? end('unsupported') : end('failed', error.kind);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(controller);
    }
  }
}
