import { type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createSandbox, type Sandbox } from 'nestjs-llm-router/testing';
import { AppModule } from './app.module.js';
import { assertPortFree } from './assert-port-free.js';
import { hasProviderKey, sandboxEnvironment } from './sandbox/sandbox-environment.js';
import { SandboxModule } from './sandbox/sandbox.module.js';

/** For this machine alone: there is no login in front of it. */
const HOST = '127.0.0.1';

export interface SupportDesk {
  readonly app: NestExpressApplication;
  readonly url: string;
  /** Undefined where there are keys of real providers. */
  readonly sandbox: Sandbox | undefined;
  close(): Promise<void>;
}

export interface StartOptions {
  /** 0: chosen by the system. */
  readonly port: number;
  /** Multiplies the delays of the simulated models. @defaultValue 1 */
  readonly latencyScale?: number;
  /** @defaultValue Nest's own */
  readonly logLevels?: LogLevel[];
}

/** Starts the application: on the providers whose keys the environment has, or else on simulated ones. */
export async function startSupportDesk({
  port,
  latencyScale,
  logLevels,
}: StartOptions): Promise<SupportDesk> {
  await assertPortFree(port, HOST);
  const sandbox = hasProviderKey(process.env) ? undefined : await createSandbox({ latencyScale });
  if (sandbox !== undefined) Object.assign(process.env, sandboxEnvironment(sandbox));
  const app = await NestFactory.create<NestExpressApplication>(
    sandbox === undefined ? AppModule : SandboxModule.around(AppModule, sandbox),
    {
      abortOnError: false,
      bodyParser: false,
      // After the router has drained: a browser's spare connections would hold up the end for a minute.
      forceCloseConnections: true,
      ...(logLevels === undefined ? {} : { logger: logLevels }),
    },
  );
  // JSON alone: a form on somebody else's page could post the other type, and spend money.
  app.useBodyParser('json');
  app.enableShutdownHooks();
  await app.listen(port, HOST);
  return {
    app,
    url: await app.getUrl(),
    sandbox,
    close: async () => {
      await app.close();
      await sandbox?.close();
    },
  };
}
