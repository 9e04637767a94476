import type { RouterEngine } from '../../lib/router/index.js';

/** Resolves when so many requests wait in the router for room at the deployment. */
export function whenQueued(engine: RouterEngine, deployment: string, count: number): Promise<void> {
  if (engine.signals.of(deployment).queued === count) return Promise.resolve();
  return new Promise((resolve) => {
    const unsubscribe = engine.bus.on('queue-changed', (change) => {
      if (change.deployment !== deployment || change.queued !== count) return;
      unsubscribe();
      resolve();
    });
  });
}
