import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { HEALTH_PROBE, type PolicyDeployment } from '../planning/index.js';
import type { UpstreamClient } from '../providers/upstream-client.js';
import { RouterEngine } from '../router/index.js';
import type { AttemptRecord } from '../telemetry/index.js';
import { DailySpending } from './daily-spending.js';
import { latest } from './presentation.js';
import { deploymentsInRules } from './rule-deployments.js';

/** Each pause is up to this share shorter or longer, so that instances started together do not stay together. */
const JITTER = 0.1;

/** What the last probe of a provider came to. */
export interface ProbeResult {
  /** `unsupported`: the provider answers, but has no list of models at the usual place, or does not take such a call. */
  readonly status: 'ok' | 'failed' | 'unsupported';
  /** When it ended, in epoch milliseconds. */
  readonly checkedAtMs: number;
  readonly latencyMs: number;
  readonly errorKind: ProviderErrorKind | undefined;
}

/** One of these: the provider has answered, and not as one that is out of order. */
const CALLERS_FAULTS: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'invalid_request',
  'content_filter',
  'context_length',
]);

/**
 * Asks every provider without traffic for its list of models, which costs nothing, where `health.probe` is enabled; with
 * `health.probe.call` it calls each deployment without traffic for one token instead. One probe at a time a provider; the
 * timers keep no process alive, and the shutdown ends what is under way.
 */
@Injectable()
export class ProviderProbe implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #results = new Map<string, ProbeResult>();
  readonly #ofDeployments = new Map<string, ProbeResult>();
  readonly #spending = new DailySpending();
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

  /** The last call for one token; undefined: none has been made. */
  resultOfDeployment(deployment: string): ProbeResult | undefined {
    return this.#ofDeployments.get(deployment);
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
    const canAsk = (client: UpstreamClient | undefined): boolean =>
      probe.enabled && client !== undefined && (probe.call !== undefined || client.probe !== undefined);
    for (const name of this.#results.keys()) {
      if (!canAsk(runtime.clients.get(name))) this.#results.delete(name);
    }
    const known = new Set(
      probe.call === undefined ? [] : deploymentsInRules(runtime.policy).map(({ id }) => id),
    );
    for (const id of this.#ofDeployments.keys()) if (!known.has(id)) this.#ofDeployments.delete(id);
    for (const [name, client] of runtime.clients) {
      if (canAsk(client)) void this.keepAsking(name, client, this.#round);
    }
  }

  private stop(): void {
    this.#round += 1;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const controller of this.#underWay) controller.abort();
  }

  private async keepAsking(name: string, client: UpstreamClient, round: number): Promise<void> {
    const result = await this.probeIdle(name, client, round);
    if (this.#round !== round) return;
    if (result !== undefined) this.#results.set(name, result);
    const { intervalMs } = this.engine.configuration.health.probe;
    const pauseMs = intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
    const timer = setTimeout(() => void this.keepAsking(name, client, round), pauseMs);
    this.#timers.set(name, timer.unref());
  }

  /** Undefined: nothing was asked, since live traffic tells, or nothing can be asked. Never throws. */
  private async probeIdle(
    name: string,
    client: UpstreamClient,
    round: number,
  ): Promise<ProbeResult | undefined> {
    const { policy } = this.engine.runtime;
    const all = [...policy.models.values()].flatMap(({ deployments }) => deployments);
    const own = all.filter(({ provider }) => provider === name);
    if (this.engine.configuration.health.probe.call !== undefined) {
      const called: ProbeResult[] = [];
      for (const deployment of deploymentsInRules(policy).filter(({ provider }) => provider === name)) {
        if (!this.isIdle(deployment)) continue;
        const result = await this.call(deployment);
        if (this.#round !== round) return undefined;
        if (result === undefined) continue;
        this.#ofDeployments.set(deployment.id, result);
        called.push(result);
      }
      // The provider is there as soon as one of them is.
      const best = called.find(({ status }) => status !== 'failed') ?? called[0];
      if (best !== undefined) return best;
    }
    if (client.probe === undefined || !own.every((deployment) => this.isIdle(deployment))) return undefined;
    return this.ask(client);
  }

  /** No traffic lately, our own calls for one token left out. */
  private isIdle({ id }: PolicyDeployment): boolean {
    const { inFlight, lastSuccessAtMs, lastErrorAtMs } = this.engine.signals.of(id);
    if (inFlight > 0) return false;
    const lastAtMs = latest([lastSuccessAtMs, lastErrorAtMs]);
    if (lastAtMs === undefined || lastAtMs <= (this.#ofDeployments.get(id)?.checkedAtMs ?? 0)) return true;
    return Date.now() - lastAtMs >= this.engine.configuration.health.probe.idleMs;
  }

  /** Undefined: it was not called. Never throws. */
  private async call(deployment: PolicyDeployment): Promise<ProbeResult | undefined> {
    const { timeoutMs, call } = this.engine.configuration.health.probe;
    if (call === undefined) return undefined;
    const controller = new AbortController();
    const startedAtMs = performance.now();
    this.#underWay.add(controller);
    let keptUsd = 0;
    let record: AttemptRecord | undefined;
    try {
      record = await this.engine.callForHealth({
        deployment,
        deadlineMs: timeoutMs,
        keep: (usd) => {
          const isKept = this.#spending.keep(usd, call.maxCostUsd);
          if (isKept) keptUsd = usd;
          return isKept;
        },
        signal: controller.signal,
      });
    } catch (error) {
      this.engine.onFault(HEALTH_PROBE, error);
    } finally {
      this.#spending.settle(keptUsd, record?.costUsd ?? 0);
      this.#underWay.delete(controller);
    }
    if (record === undefined || record.outcome === 'client_left') return undefined;
    const { outcome, errorKind } = record;
    const status =
      outcome === 'succeeded'
        ? 'ok'
        : errorKind !== undefined && CALLERS_FAULTS.has(errorKind)
          ? 'unsupported'
          : 'failed';
    return {
      status,
      checkedAtMs: Date.now(),
      latencyMs: performance.now() - startedAtMs,
      errorKind: status === 'failed' ? (errorKind ?? 'timeout') : undefined,
    };
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
