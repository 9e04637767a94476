import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  checkLlmRouterOptions,
  ConfigurationError,
  loadConfigurationFile,
  type LlmRouterOptions,
} from 'nestjs-llm-router';
import { createSandbox } from 'nestjs-llm-router/testing';
import { assertPortFree } from './assert-port-free.js';
import { GatewayModule } from './gateway.module.js';
import { guide } from './guide.js';
import { isLoopback, readSettings } from './settings.js';

/** A line for a person, not a stack trace. */
function describe(error: unknown): string {
  if (error instanceof ConfigurationError) {
    const [issue] = error.issues;
    return error.issues.length === 1 && issue !== undefined
      ? `${issue.path === '' ? 'configuration' : issue.path}: ${issue.message}`
      : error.message;
  }
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is taken: set PORT to another one`;
  if (code === 'EACCES') return 'the port may not be used: set PORT to one above 1023';
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'HOST is no address of this machine';
  return message;
}

function hasKeys(options: LlmRouterOptions): boolean {
  const http = (options as { http?: Record<string, unknown> }).http ?? {};
  const keys = http.apiKeys ?? http.api_keys;
  return Array.isArray(keys) && keys.length > 0;
}

async function start(): Promise<void> {
  const { host, port, configurationFile, isWatched } = readSettings(process.env);
  await assertPortFree(port, host);
  // The sandbox ends with the process.
  const sandbox = configurationFile === undefined ? await createSandbox() : undefined;
  const options: LlmRouterOptions = sandbox?.config ?? (await loadConfigurationFile(configurationFile ?? ''));
  if (!isLoopback(host) && !hasKeys(options)) {
    throw new Error(`HOST=${host} would open the gateway to others: configure http.apiKeys first`);
  }
  // Before Nest sees it: its own report of a failed boot is a stack trace.
  checkLlmRouterOptions(options);
  const module =
    sandbox === undefined
      ? GatewayModule.withFile(configurationFile ?? '', isWatched)
      : GatewayModule.withSandbox(sandbox);
  // Connections are closed after the router has drained: a client's spare ones would hold up the end.
  const app = await NestFactory.create(module, { abortOnError: false, forceCloseConnections: true });
  app.enableShutdownHooks();
  await app.listen(port, host);
  process.stdout.write(guide(await app.getUrl(), sandbox !== undefined, hasKeys(options), isWatched));
}

start().catch((error: unknown) => {
  process.stderr.write(`llm-router: ${describe(error)}\n`);
  process.exit(1);
});
