import { isIP } from 'node:net';

/** Where the gateway listens and what it is configured with. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** A JSON or YAML file; undefined: the sandbox. */
  readonly configurationFile: string | undefined;
}

/** @throws Error of one line for a value that cannot be used. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const port = environment.PORT ?? '3000';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new Error('PORT must be a number from 0 to 65535');
  }
  const file = environment.LLM_ROUTER_CONFIG;
  return {
    host: environment.HOST ?? '127.0.0.1',
    port: Number(port),
    configurationFile: file === undefined || file === '' ? undefined : file,
  };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
