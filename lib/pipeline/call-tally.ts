import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestRecord } from '../telemetry/index.js';
import type { RoutingInfo } from './routing-info.js';

/** Told of the router requests made while one handler runs. */
export interface CallTally {
  /** A request has begun. */
  onStarted(): void;
  /** Where the answer of a request comes from: known with its end, or with the first token of its stream. */
  onRouted(routing: RoutingInfo): void;
  /** A request has ended; its stream too. */
  onEnded(record: RequestRecord): void;
}

// One storage a process, as the context has: the interceptor may come out of another copy than the pipeline.
const KEY = Symbol.for('nestjs-llm-router.call-tally');

interface GlobalWithTally {
  [KEY]?: AsyncLocalStorage<CallTally>;
}

const holder = globalThis as GlobalWithTally;

const storage: AsyncLocalStorage<CallTally> = (holder[KEY] ??= new AsyncLocalStorage<CallTally>());

/** Who counts the requests of the handler that is running; undefined: nobody. */
export function currentCallTally(): CallTally | undefined {
  return storage.getStore();
}

/** Runs `callback` so that the requests made in it, however deep, are told to `tally`. */
export function runWithCallTally<Result>(tally: CallTally, callback: () => Result): Result {
  return storage.run(tally, callback);
}
