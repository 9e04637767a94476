import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { didYouMean } from './config/index.js';
import { ConfigurationError, type ConfigurationIssue } from './errors/index.js';
import { SurfaceExplorer } from './nest/index.js';
import { describeAlert, describeHandlerCall, describeObserved } from './observability/index.js';
import {
  bootTable,
  describeShortfall,
  findContextFaults,
  isServable,
  type PolicySnapshot,
  tightenSurface,
} from './planning/index.js';
import { RouterEngine } from './router/index.js';
import type { BudgetEvent, PlugIn, PlugInFaultKind } from './telemetry/index.js';

/** The same fault of a plug-in is told once in so long. */
const TELL_AGAIN_MS = 60_000;

const PLUG_INS: Readonly<Record<PlugIn, string>> = {
  class: "a class's `matches`",
  classifier: 'the `classifier`',
  examples: 'the comparison with `examples`',
  judge: 'the `judge`',
  verifier: 'a `verifier`',
  confidence: 'the question for `confidence`',
};

const PLUG_IN_FAULTS: Readonly<Record<Exclude<PlugInFaultKind, 'breaker_open'>, string>> = {
  timeout: 'did not answer in time',
  error: 'failed',
  bad_answer: 'gave an answer that cannot be used',
  not_eligible: 'may not be asked: the limits of a surface leave out its model',
};

/** What happens at boot and at shutdown, and the only place that logs. */
@Injectable()
export class LlmRouterLifecycle
  implements
    OnModuleInit,
    OnApplicationBootstrap,
    OnModuleDestroy,
    BeforeApplicationShutdown,
    OnApplicationShutdown
{
  readonly #logger = new Logger('LlmRouterModule');

  constructor(
    private readonly engine: RouterEngine,
    private readonly explorer: SurfaceExplorer,
  ) {
    // Names and kinds only: an error's own text may hold anything.
    engine.onFault = (decisionId, error) => {
      this.#logger.error(`Fault of the router in ${decisionId}: ${kindOf(error)}`);
    };
    engine.onRequestLogProblem = (problem) => {
      this.#logger.error(`Request log: ${problem}`);
    };
    engine.checkPolicy = (policy) => {
      this.checkSurfaces(policy);
    };
    engine.reconfigureListener = {
      onDone: ({ hash, previousHash, changed, warnings }, policy) => {
        this.#logger.log(
          changed
            ? `Reconfigured: policy ${hash}, before it ${previousHash}`
            : `Reconfigured: policy ${hash}, the same as before (${previousHash})`,
        );
        this.#logger.debug(`Routing (policy ${hash}):\n${bootTable(policy)}`);
        this.warn(warnings);
      },
      onRefused: ({ message }, policy) => {
        this.#logger.warn(`Not reconfigured: policy ${policy.hash} stays in force. ${message}`);
      },
    };
    engine.bus.onListenerError = (event, error) => {
      this.#logger.error(`A listener of "${event}" threw: ${kindOf(error)}`);
    };
    engine.bus.on('alert-raised', (alert) => {
      this.#logger.warn(`Alert raised (${alert.kind}): ${describeAlert(alert)}`);
    });
    engine.bus.on('alert-cleared', (alert) => {
      this.#logger.log(`Alert cleared (${alert.kind}): ${describeAlert(alert)}`);
    });
    engine.bus.on('budget-nearly-spent', (event) => {
      this.#logger.warn(`80 % spent of ${describeBudget(event)}`);
    });
    engine.bus.on('budget-spent', (event) => {
      const then = event.onExceeded === 'reject' ? 'requests are refused' : 'the cheapest models serve';
      this.#logger.warn(`Spent: ${describeBudget(event)}; until it begins anew ${then}`);
    });
    engine.bus.on('key-refused', ({ provider, position, total, usable, kind, outMs }) => {
      this.#logger.warn(
        `Key ${position} of ${total} of provider "${provider}" was refused (${kind}) and is taken out, ` +
          `tried again in ${outMs / 1_000} s; usable: ${usable}`,
      );
    });
    engine.bus.on('key-restored', ({ provider, position, total, usable, how }) => {
      this.#logger.log(
        `Key ${position} of provider "${provider}" is ${how === 'replaced' ? 'replaced' : 'back'}; usable: ${usable} of ${total}`,
      );
    });
    engine.bus.on('breaker-changed', ({ deployment, to, openUntilMs }) => {
      const seconds = Math.ceil((openUntilMs - Date.now()) / 1_000);
      if (to === 'open') this.#logger.warn(`Breaker of ${deployment} open for ${seconds} s`);
      else this.#logger.log(`Breaker of ${deployment}: ${to.replace('_', ' ')}`);
    });
    const told = new Map<string, number>();
    engine.bus.on('plug-in-failed', ({ plugIn, kind }) => {
      // Of those that fail for every request one line a minute is enough; what follows a fault is none of its own.
      if (kind === 'breaker_open') return;
      const what = `${plugIn} ${kind}`;
      if (Date.now() - (told.get(what) ?? 0) < TELL_AGAIN_MS) return;
      told.set(what, Date.now());
      this.#logger.warn(
        `Classification: ${PLUG_INS[plugIn]} ${PLUG_IN_FAULTS[kind]}; requests go on without it`,
      );
    });
    engine.bus.on('handler-ended', (record) => {
      const line = describeHandlerCall(record);
      if (record.outcome === 'failed') this.#logger.warn(line);
      else this.#logger.log(line);
    });
    engine.bus.on('request-ended', (record) => {
      const line = describeObserved(record);
      if (line !== undefined) this.#logger.log(line);
    });
    engine.bus.on('attempt-ended', (record) => {
      if (record.outcome !== 'failed' && record.outcome !== 'timed_out') return;
      this.#logger.warn(
        `${record.decisionId} attempt ${record.attempt} at ${record.deployment}: ${record.outcome} ` +
          `(${[record.errorKind ?? 'unknown', record.status, record.providerCode].filter((part) => part !== undefined).join(' ')}) after ${Math.round(record.durationMs)} ms`,
      );
    });
  }

  /** @throws {@link ConfigurationError} for a `@Surface` that is not configured, or a package that is not installed. */
  async onModuleInit(): Promise<void> {
    const { policy, warnings } = this.engine.runtime;
    this.checkSurfaces(policy);
    await this.engine.runtime.ready();
    // Its metrics are shown by whoever shows the application's.
    if (this.engine.configuration.observability.metrics.registry !== undefined) {
      await this.engine.loadMetrics();
    }
    this.warn(warnings);
    this.#logger.log(`Routing (policy ${policy.hash}):\n${bootTable(policy)}`);
  }

  private warn(warnings: readonly ConfigurationIssue[]): void {
    for (const { path, message } of warnings) this.#logger.warn(`${path}: ${message}`);
  }

  private checkSurfaces({ surfaces, rulesForClass }: PolicySnapshot): void {
    const issues = this.explorer.find().flatMap(({ name, overrides, where }): ConfigurationIssue[] => {
      const path = `@Surface on ${where}`;
      const surface = surfaces.get(name);
      if (surface === undefined) {
        const hint = didYouMean(name, surfaces.keys());
        return [{ path, message: `there is no surface "${name}" in \`surfaces\`.${hint}` }];
      }
      const faults = findContextFaults(overrides);
      if (faults.length > 0)
        return faults.map(({ key, message }) => ({ path, message: `${key} ${message}` }));
      const tightened = tightenSurface(surface, overrides);
      if (isServable(tightened, rulesForClass)) return [];
      const shortfall = describeShortfall(tightened, rulesForClass);
      return [{ path, message: `no model of any rule is over the floors it sets: ${shortfall}` }];
    });
    if (issues.length > 0) throw new ConfigurationError(issues);
  }

  onApplicationBootstrap(): void {
    this.engine.markReady();
  }

  /** The first word of a shutdown: other modules may take their time before the drain. */
  onModuleDestroy(): void {
    this.engine.markStopping();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.engine.drain(undefined, {
      onWaiting: (requests, graceMs) => {
        this.#logger.log(`Shutting down: waiting up to ${graceMs / 1_000} s for ${counted(requests)}`);
      },
      onEnding: (requests, graceMs) => {
        this.#logger.warn(`Shutting down: ended ${counted(requests)} not finished in ${graceMs / 1_000} s`);
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}

function describeBudget({ scope, name, isConfigured, per, limitUsd, resetsAtMs }: BudgetEvent): string {
  const whose = isConfigured ? `${scope} ${name}` : 'a tenant without one of its own';
  return `the budget of ${whose} ($${limitUsd} per ${per}, anew at ${new Date(resetsAtMs).toISOString()})`;
}

function counted(requests: number): string {
  return `${requests} request${requests === 1 ? '' : 's'}`;
}

/** The class of an error and the place in our code it came from, without its message. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  // After the message, which may have lines of its own that begin so.
  const { message, stack = '' } = error;
  const frames = stack.slice(message === '' ? 0 : stack.indexOf(message) + message.length);
  const frame = /^\s+(at .*:\d+:\d+\)?)$/m.exec(frames)?.[1];
  return `${error.name}${frame === undefined ? '' : ` ${frame}`}`;
}
