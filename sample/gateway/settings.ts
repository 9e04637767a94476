import { isIP } from 'node:net';

/** Where the gateway listens and what it is configured with. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** A JSON or YAML file; undefined: the sandbox. */
  readonly configurationFile: string | undefined;
  /** Whether what is saved into the file comes into force while the gateway runs. */
  readonly isWatched: boolean;
}

/** @throws Error of one line for a value that cannot be used. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const port = environment.PORT ?? '3000';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new Error('PORT must be a number from 0 to 65535');
  }
  const file = environment.LLM_ROUTER_CONFIG;
  const watch = environment.LLM_ROUTER_WATCH ?? '';
  if (!['', '0', '1'].includes(watch)) throw new Error('LLM_ROUTER_WATCH must be 1 (watch the file) or 0');
  if (watch === '1' && (file === undefined || file === '')) {
    throw new Error('LLM_ROUTER_WATCH=1 needs a file: set LLM_ROUTER_CONFIG too');
  }
  return {
    host: environment.HOST ?? '127.0.0.1',
    port: Number(port),
    configurationFile: file === undefined || file === '' ? undefined : file,
    isWatched: watch === '1',
  };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
