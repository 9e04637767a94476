import 'reflect-metadata';
import { ConfigurationError } from 'nestjs-llm-router';
import { createApp } from './app.module.js';
import { claimPort } from './claim-port.js';
import { guide } from './guide.js';
import { findRedis } from './redis.js';
import { routerOptions } from './router-options.js';
import { createTicketSandbox } from './sandbox.js';
import { readSettings } from './settings.js';

/** A line for a person, not a stack trace. */
function describe(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') {
    const name = process.env.TCP_PORT === String(port) ? 'TCP_PORT' : 'PORT';
    return `port ${port} is taken: set ${name} to another one`;
  }
  if (code === 'EACCES') return 'a port may not be used: set PORT and TCP_PORT above 1023';
  if (error instanceof ConfigurationError) return message.replaceAll('\n', ' ');
  return message;
}

async function start(): Promise<void> {
  const { port, tcpPort: wanted, redisUrl, hasKeys } = readSettings(process.env);
  await claimPort(port);
  const tcpPort = await claimPort(wanted);
  // Both end with the process.
  const redis = await findRedis(redisUrl);
  const sandbox = hasKeys ? undefined : await createTicketSandbox();
  const app = await createApp({ router: routerOptions(sandbox), redisUrl: redis.url, tcpPort });
  // By `process.exit` in the end: the Agents SDK listens for signals too, so that Nest's second one would not end it.
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.startAllMicroservices();
  await app.listen(port, '127.0.0.1');
  process.stdout.write(guide(await app.getUrl(), tcpPort, sandbox !== undefined));
}

start().catch((error: unknown) => {
  process.stderr.write(`microservice-and-queue: ${describe(error)}\n`);
  process.exit(1);
});
