import { AsyncLocalStorage } from 'node:async_hooks';
import type { LlmRequestContext } from './llm-request-context.js';
import { bindResult } from './bind-context.js';
import { mergeLlmContext } from './merge-llm-context.js';

interface Stored {
  readonly context: LlmRequestContext;
  /** The class whose `@Surface` was entered last. */
  readonly enteredClass: unknown;
}

// One storage a process, and not one a copy of the package: a host that loads the ESM and a CommonJS build of two
// versions would otherwise lose the surface between decorator and service.
const KEY = Symbol.for('nestjs-llm-router.context');

interface GlobalWithContext {
  [KEY]?: AsyncLocalStorage<Stored>;
}

const holder = globalThis as GlobalWithContext;

const storage: AsyncLocalStorage<Stored> = (holder[KEY] ??= new AsyncLocalStorage<Stored>());

const NOTHING: Stored = { context: {}, enteredClass: undefined };

/** The context of the handler that is running, empty outside any. */
export function currentLlmContext(): LlmRequestContext {
  return (storage.getStore() ?? NOTHING).context;
}

/** The class in whose surface the code is running: a call among its own methods enters nothing anew. */
export function currentEnteredClass(): unknown {
  return (storage.getStore() ?? NOTHING).enteredClass;
}

/**
 * Runs `callback` inside `context`, laid over the one already there: what the new one leaves out stays.
 *
 * @param enteredClass - The class whose `@Surface` this is, where it is one.
 */
export function runWithLlmContext<Result>(
  context: LlmRequestContext,
  callback: () => Result,
  enteredClass?: unknown,
): Result {
  const outer = storage.getStore() ?? NOTHING;
  return storage.run(
    {
      context: mergeLlmContext(outer.context, context),
      enteredClass: enteredClass ?? outer.enteredClass,
    },
    callback,
  );
}

/**
 * The same, and what `callback` gives back keeps the context: a stream read, an Observable subscribed to afterwards.
 */
export function runBoundWithLlmContext<Result>(
  context: LlmRequestContext,
  callback: () => Result,
  enteredClass?: unknown,
): Result {
  return runWithLlmContext(context, () => bindResult(callback(), AsyncLocalStorage.snapshot()), enteredClass);
}
