import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { RouterEngine } from './router-engine.js';
import { RouterService } from './router.service.js';
import { registerRouter } from './running-routers.js';

/** Makes the application's router known to the process, from boot to shutdown. */
@Injectable()
export class RouterRegistration implements OnModuleInit, OnApplicationShutdown {
  #unregister: (() => void) | undefined;

  constructor(
    private readonly engine: RouterEngine,
    private readonly service: RouterService,
  ) {}

  onModuleInit(): void {
    this.#unregister ??= registerRouter(this.engine, this.service);
  }

  onApplicationShutdown(): void {
    this.#unregister?.();
    this.#unregister = undefined;
  }
}
