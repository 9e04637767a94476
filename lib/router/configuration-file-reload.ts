import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ConfigurationFile, type ReadConfiguration } from '../config/index.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { RouterEngine } from './router-engine.js';

/** Reconfigures the router when its file changes, from the end of the boot to the first word of a shutdown. */
@Injectable()
export class ConfigurationFileReload implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly engine: RouterEngine,
    private readonly file: ConfigurationFile,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.file.watch((read) => this.reload(read));
  }

  async onModuleDestroy(): Promise<void> {
    await this.file.close();
  }

  /** Never throws: what is refused has been told of, and the file may be mended. */
  private async reload(read: ReadConfiguration): Promise<void> {
    try {
      await this.engine.reconfigure(read);
    } catch (error) {
      if (!LlmRouterError.isInstance(error)) this.engine.onFault('reconfigure', error);
    }
  }
}
