import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { bootTable } from './planning/index.js';
import { RouterEngine } from './router/index.js';

/** What happens at boot and at shutdown, and the only place that logs. */
@Injectable()
export class LlmRouterLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #logger = new Logger('LlmRouterModule');

  constructor(private readonly engine: RouterEngine) {
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
          `(${record.errorKind ?? 'unknown'}${record.status === undefined ? '' : ` ${record.status}`}) after ${Math.round(record.durationMs)} ms`,
      );
    });
  }

  onModuleInit(): void {
    const { policy, warnings } = this.engine.runtime;
    for (const { path, message } of warnings) this.#logger.warn(`${path}: ${message}`);
    this.#logger.log(`Routing (policy ${policy.hash}):\n${bootTable(policy)}`);
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
