import type { RouterEngine } from './router-engine.js';
import type { RouterService } from './router.service.js';

interface RunningRouter {
  readonly engine: Pick<RouterEngine, 'isReady'>;
  readonly service: RouterService;
}

// One list a process, and not one a copy of the package.
const KEY = Symbol.for('nestjs-llm-router.running');

interface GlobalWithRouters {
  [KEY]?: Set<WeakRef<RunningRouter>>;
}

const holder = globalThis as GlobalWithRouters;

// Held by the application alone: one whose boot failed says no good-bye, and must not be kept for ever.
const running: Set<WeakRef<RunningRouter>> = (holder[KEY] ??= new Set<WeakRef<RunningRouter>>());

/** Makes a router known to the process. @returns What takes it back. */
export function registerRouter(engine: RunningRouter['engine'], service: RouterService): () => void {
  const entry: RunningRouter = { engine, service };
  const reference = new WeakRef(entry);
  running.add(reference);
  return () => {
    // Who can take it back holds it.
    if (reference.deref() === entry) running.delete(reference);
  };
}

/**
 * The one router of this process, for code outside the injector.
 *
 * @throws Error when there is none, or more than one.
 */
export function theRunningRouter(): RouterService {
  const all = [...running].flatMap((reference) => reference.deref() ?? []);
  for (const reference of running) if (reference.deref() === undefined) running.delete(reference);
  // What is ready goes before what is not, and may never be.
  const ready = all.filter(({ engine }) => engine.isReady);
  const candidates = ready.length > 0 ? ready : all;
  const [router] = candidates;
  if (router === undefined) {
    throw new Error(
      'No router runs in this process. Start the application with LlmRouterModule.forRoot(…) first, or pass the RouterService.',
    );
  }
  if (candidates.length > 1) {
    throw new Error(
      `${candidates.length} routers run in this process. Pass the RouterService that is meant.`,
    );
  }
  return router.service;
}
