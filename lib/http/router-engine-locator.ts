import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { HttpOptions } from '../config/index.js';
import { RouterEngine } from '../router/index.js';
import { CallerGuard } from './caller.js';

/**
 * Finds the application's router. `forRoot` may be anywhere in the application and need not be global, so it is looked
 * up, not injected; by the time a request comes it is there.
 */
@Injectable()
export class RouterEngineLocator implements OnModuleInit {
  #engine: RouterEngine | undefined;
  #guard: { readonly of: HttpOptions; readonly guard: CallerGuard } | undefined;

  constructor(private readonly moduleRef: ModuleRef) {}

  /** Routes without a router stop the boot, and not the first request. */
  onModuleInit(): void {
    this.#engine ??= this.find();
  }

  /** @throws Error when no `LlmRouterModule` is in the application. */
  get engine(): RouterEngine {
    this.#engine ??= this.find();
    return this.#engine;
  }

  /** Knows the keys of now. */
  get guard(): CallerGuard {
    const { http } = this.engine.configuration;
    if (this.#guard?.of !== http) this.#guard = { of: http, guard: new CallerGuard(http) };
    return this.#guard.guard;
  }

  private find(): RouterEngine {
    let engines: RouterEngine[];
    try {
      engines = this.moduleRef.get<RouterEngine, RouterEngine>(RouterEngine, { strict: false, each: true });
    } catch {
      engines = [];
    }
    const [engine] = engines;
    if (engine === undefined) {
      throw new Error('LlmRouterHttpModule needs LlmRouterModule.forRoot(…) somewhere in the application.');
    }
    if (engines.length > 1) {
      throw new Error(
        'The application has more than one LlmRouterModule.forRoot(…): LlmRouterHttpModule cannot tell whose keys and rules hold. Keep one, with isGlobal where others need it.',
      );
    }
    return engine;
  }
}
