import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { didYouMean } from './config/index.js';
import { ConfigurationError } from './errors/index.js';
import { SurfaceExplorer } from './nest/index.js';
import { bootTable } from './planning/index.js';
import { RouterEngine } from './router/index.js';

/** What happens at boot and at shutdown, and the only place that logs. */
@Injectable()
export class LlmRouterLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
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
    engine.bus.onListenerError = (event, error) => {
      this.#logger.error(`A listener of "${event}" threw: ${kindOf(error)}`);
    };
    engine.bus.on('attempt-ended', (record) => {
      if (record.outcome !== 'failed' && record.outcome !== 'timed_out') return;
      this.#logger.warn(
        `${record.decisionId} attempt ${record.attempt} at ${record.deployment}: ${record.outcome} ` +
          `(${[record.errorKind ?? 'unknown', record.status, record.providerCode].filter((part) => part !== undefined).join(' ')}) after ${Math.round(record.durationMs)} ms`,
      );
    });
  }

  /** @throws {@link ConfigurationError} for a `@Surface` that is not configured. */
  onModuleInit(): void {
    const { policy, warnings } = this.engine.runtime;
    this.checkSurfaces(policy.surfaces);
    for (const { path, message } of warnings) this.#logger.warn(`${path}: ${message}`);
    this.#logger.log(`Routing (policy ${policy.hash}):\n${bootTable(policy)}`);
  }

  private checkSurfaces(surfaces: ReadonlyMap<string, unknown>): void {
    const issues = this.explorer
      .find()
      .filter(({ name }) => !surfaces.has(name))
      .map(({ name, where }) => ({
        path: `@Surface on ${where}`,
        message: `there is no surface "${name}" in \`surfaces\`.${didYouMean(name, surfaces.keys())}`,
      }));
    if (issues.length > 0) throw new ConfigurationError(issues);
  }

  onApplicationBootstrap(): void {
    this.engine.markReady();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.engine.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}

/** The class of an error and the place in our code it came from, without its message. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${error.name}${frame === undefined ? '' : ` ${frame.trim()}`}`;
}
