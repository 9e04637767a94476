import { AsyncLocalStorage } from 'node:async_hooks';
import type { LlmRequestContext } from './llm-request-context.js';

// One storage a process, and not one a copy of the package: a host that loads the ESM and a CommonJS build of two
// versions would otherwise lose the surface between decorator and service.
const KEY = Symbol.for('nestjs-llm-router.context');

interface GlobalWithContext {
  [KEY]?: AsyncLocalStorage<LlmRequestContext>;
}

const holder = globalThis as GlobalWithContext;

const storage: AsyncLocalStorage<LlmRequestContext> = (holder[KEY] ??=
  new AsyncLocalStorage<LlmRequestContext>());

/** The context of the handler that is running, empty outside any. */
export function currentLlmContext(): LlmRequestContext {
  return storage.getStore() ?? {};
}

/** Runs `callback` inside `context`, laid over the one already there: what the new one leaves out stays. */
export function runWithLlmContext<Result>(context: LlmRequestContext, callback: () => Result): Result {
  // A value given as undefined says nothing either: it must not wipe out what stands there.
  const said = Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
  return storage.run({ ...currentLlmContext(), ...said }, callback);
}
