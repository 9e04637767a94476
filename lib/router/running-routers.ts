import type { RouterEngine } from './router-engine.js';
import type { RouterService } from './router.service.js';

interface RunningRouter {
  readonly engine: Pick<RouterEngine, 'isReady'>;
  readonly service: RouterService;
}

// One list a process, and not one a copy of the package.
const KEY = Symbol.for('nestjs-llm-router.running');

interface GlobalWithRouters {
  [KEY]?: Set<RunningRouter>;
}

const holder = globalThis as GlobalWithRouters;

const running: Set<RunningRouter> = (holder[KEY] ??= new Set<RunningRouter>());

/** Makes a router known to the process. @returns What takes it back. */
export function registerRouter(engine: RunningRouter['engine'], service: RouterService): () => void {
  const entry: RunningRouter = { engine, service };
  running.add(entry);
  return () => {
    running.delete(entry);
  };
}

/**
 * The one router of this process, for code outside the injector.
 *
 * @throws Error when there is none, or more than one.
 */
export function theRunningRouter(): RouterService {
  const all = [...running];
  // An application whose boot failed says no good-bye: what is ready goes before what is not.
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
