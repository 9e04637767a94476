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
import { isHeard, OnLlmAlertExplorer, SurfaceExplorer } from './nest/index.js';
import {
  describeAlert,
  describeFailedAttempt,
  describeHandlerCall,
  describeObserved,
  describeRequest,
  levelOf,
  type LogFields,
  type LogLevelName,
  LogLine,
} from './observability/index.js';
import {
  bootTable,
  describeShortfall,
  findContextFaults,
  isServable,
  type PolicySnapshot,
  tightenSurface,
} from './planning/index.js';
import { RouterEngine } from './router/index.js';
import {
  type Alert,
  type AlertChange,
  type BudgetEvent,
  prepareOpenTelemetry,
  type PlugIn,
  type PlugInFaultKind,
} from './telemetry/index.js';

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
    private readonly alertHandlers: OnLlmAlertExplorer,
  ) {
    // Names and kinds only: an error's own text may hold anything.
    engine.onFault = (decisionId, error) => {
      const kind = kindOf(error);
      const fields = { event: 'fault', decisionId, error: kind };
      this.write('error', `Fault of the router in ${decisionId}: ${kind}`, fields);
    };
    engine.onRequestLogProblem = (problem) => {
      this.write('error', `Request log: ${problem}`, { event: 'request_log' });
    };
    engine.onAlertWebhookProblem = (problem) => {
      this.write('warn', `Alert webhook: ${problem}`, { event: 'alert_webhook' });
    };
    engine.checkPolicy = (policy) => {
      this.checkSurfaces(policy);
    };
    engine.reconfigureListener = {
      onDone: ({ hash, previousHash, changed, warnings }, policy) => {
        this.write(
          'log',
          changed
            ? `Reconfigured: policy ${hash}, before it ${previousHash}`
            : `Reconfigured: policy ${hash}, the same as before (${previousHash})`,
          { event: 'reconfigured', policyHash: hash, previousPolicyHash: previousHash, changed },
        );
        if (Logger.isLevelEnabled('debug')) {
          this.#logger.debug(`Routing (policy ${hash}):\n${bootTable(policy)}`);
        }
        this.warn(warnings);
      },
      onRefused: ({ message }, policy) => {
        this.write('warn', `Not reconfigured: policy ${policy.hash} stays in force. ${message}`, {
          event: 'reconfiguration_refused',
          policyHash: policy.hash,
        });
      },
    };
    engine.bus.onListenerError = (event, error) => {
      const kind = kindOf(error);
      const fields = { event: 'fault', listener: event, error: kind };
      this.write('error', `A listener of "${event}" threw: ${kind}`, fields);
    };
    this.logState();
    this.logRequests();
  }

  /** What changes the way that requests go. */
  private logState(): void {
    const { bus } = this.engine;
    bus.on('alert-raised', (alert) => {
      this.logAlert(alert, 'raised');
    });
    bus.on('alert-escalated', (alert) => {
      this.logAlert(alert, 'escalated');
    });
    bus.on('alert-cleared', (alert) => {
      this.logAlert(alert, 'cleared');
    });
    bus.on('budget-nearly-spent', (event) => {
      const fields = { event: 'budget_nearly_spent', ...fieldsOfBudget(event) };
      this.write('warn', `80 % spent of ${describeBudget(event)}`, fields);
    });
    bus.on('budget-spent', (event) => {
      const then = event.onExceeded === 'reject' ? 'requests are refused' : 'the cheapest models serve';
      const fields = { event: 'budget_spent', ...fieldsOfBudget(event) };
      this.write('warn', `Spent: ${describeBudget(event)}; until it begins anew ${then}`, fields);
    });
    bus.on('key-refused', ({ provider, position, total, usable, kind, outMs }) => {
      this.write(
        'warn',
        `Key ${position} of ${total} of provider "${provider}" was refused (${kind}) and is taken out, ` +
          `tried again in ${outMs / 1_000} s; usable: ${usable}`,
        { event: 'key_refused', provider, keyPosition: position, keys: total, usable, kind, outMs },
      );
    });
    bus.on('key-restored', ({ provider, position, total, usable, how }) => {
      this.write(
        'log',
        `Key ${position} of provider "${provider}" is ${how === 'replaced' ? 'replaced' : 'back'}; usable: ${usable} of ${total}`,
        { event: 'key_restored', provider, keyPosition: position, keys: total, usable, how },
      );
    });
    bus.on('breaker-changed', ({ deployment, model, provider, from, to, openUntilMs }) => {
      const seconds = Math.ceil((openUntilMs - Date.now()) / 1_000);
      const fields = { event: 'breaker', deployment, model, provider, from, to };
      if (to === 'open') this.write('warn', `Breaker of ${deployment} open for ${seconds} s`, fields);
      else this.write('log', `Breaker of ${deployment}: ${to.replace('_', ' ')}`, fields);
    });
  }

  private logRequests(): void {
    const { bus } = this.engine;
    const told = new Map<string, number>();
    bus.on('plug-in-failed', ({ plugIn, kind }) => {
      // Of those that fail for every request one line a minute is enough; what follows a fault is none of its own.
      if (kind === 'breaker_open') return;
      const what = `${plugIn} ${kind}`;
      if (Date.now() - (told.get(what) ?? 0) < TELL_AGAIN_MS) return;
      told.set(what, Date.now());
      this.write(
        'warn',
        `Classification: ${PLUG_INS[plugIn]} ${PLUG_IN_FAULTS[kind]}; requests go on without it`,
        { event: 'plug_in_failed', plugIn, kind },
      );
    });
    bus.on('handler-ended', (record) => {
      const line = describeHandlerCall(record);
      const { handler, surface, outcome, calls, failedCalls, errorCode, decisionId, models } = record;
      this.write(outcome === 'failed' ? 'warn' : 'log', line, {
        event: 'handler',
        ...{ handler, surface, outcome, calls, failedCalls, errorCode, decisionId, models },
        promptTokens: record.usage.promptTokens,
        completionTokens: record.usage.completionTokens,
        costUsd: record.costUsd,
        durationMs: Math.round(record.durationMs),
        waitingMs: Math.round(record.waitingMs),
      });
    });
    bus.on('request-ended', (record) => {
      const level = levelOf(record);
      // Nothing is put into words that nobody will see.
      if (Logger.isLevelEnabled(level)) this.#logger[level](describeRequest(record));
      const observed = describeObserved(record);
      if (observed !== undefined) {
        this.write('log', observed, {
          event: 'observed',
          decisionId: record.decisionId,
          surface: record.surface,
          deployment: record.servedBy?.deployment,
          wouldBe: record.observed?.choice?.deployment,
          costUsd: record.observed?.answerCostUsd,
          wouldCostUsd: record.observed?.costUsd,
        });
      }
    });
    bus.on('attempt-ended', (record) => {
      const line = describeFailedAttempt(record);
      if (line !== undefined) this.#logger.warn(line);
    });
  }

  private write(level: LogLevelName, text: string, fields: LogFields): void {
    this.#logger[level](new LogLine(level, text, fields));
  }

  /** @throws {@link ConfigurationError} for a `@Surface` that is not configured, or a package that is not installed. */
  async onModuleInit(): Promise<void> {
    const { policy, warnings } = this.engine.runtime;
    this.checkSurfaces(policy);
    await this.engine.runtime.ready();
    if (this.engine.configuration.observability.tracing.enabled) await prepareOpenTelemetry();
    // Its metrics are shown by whoever shows the application's.
    if (this.engine.configuration.observability.metrics.registry !== undefined) {
      await this.engine.loadMetrics();
    }
    this.warn(warnings);
    this.#logger.log(`Routing (policy ${policy.hash}):\n${bootTable(policy)}`);
  }

  private logAlert(alert: Alert, change: AlertChange): void {
    const level = change === 'cleared' ? 'log' : alert.severity === 'critical' ? 'error' : 'warn';
    this.write(level, describeAlert(alert, change), { event: `alert_${change}`, ...fieldsOfAlert(alert) });
  }

  /** Once all instances are there. */
  private callAlertHandlers(): void {
    const { bus } = this.engine;
    for (const { options, where, call } of this.alertHandlers.find()) {
      if (call === undefined) {
        this.#logger.warn(`@OnLlmAlert on ${where} is never called: its class has no instance of its own`);
        continue;
      }
      const tell =
        (change: AlertChange) =>
        (alert: Alert): void => {
          if (!isHeard(options, alert)) return;
          const failed = (error: unknown): void => {
            this.#logger.error(`@OnLlmAlert on ${where} failed: ${kindOf(error)}`);
          };
          // Whoever counts comes first, and waits for no handler.
          setImmediate(() => {
            try {
              void Promise.resolve(call(alert, change)).catch(failed);
            } catch (error) {
              failed(error);
            }
          });
        };
      bus.on('alert-raised', tell('raised'));
      bus.on('alert-escalated', tell('escalated'));
      bus.on('alert-cleared', tell('cleared'));
    }
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
    this.callAlertHandlers();
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

function fieldsOfAlert({
  id,
  kind,
  severity,
  subject,
  value,
  threshold,
  requests,
  windowMs,
  clearedBy,
}: Alert): LogFields {
  const by = clearedBy === undefined ? {} : { clearedBy };
  return { alertId: id, kind, severity, ...subject, value, threshold, requests, windowMs, ...by };
}

/** The name of a tenant that is not configured is what a request said. */
function fieldsOfBudget({
  scope,
  name,
  isConfigured,
  per,
  onExceeded,
  limitUsd,
  spentUsd,
}: BudgetEvent): LogFields {
  return { scope, budget: isConfigured ? name : undefined, per, onExceeded, limitUsd, spentUsd };
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
