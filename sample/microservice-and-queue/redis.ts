import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { claimPort } from './claim-port.js';

const TIMEOUT_MS = 5000;
const ATTEMPTS = 3;

export interface RunningRedis {
  readonly url: string;
  /** Ends it, where it was started here. */
  stop(): Promise<void>;
}

/** Somebody else took the port between the look and the start. */
class PortTakenError extends Error {}

/** The Redis of `REDIS_URL`, else one of our own. @throws Error of one line that says what to do. */
export async function findRedis(url: string | undefined): Promise<RunningRedis> {
  assertDriver();
  if (url !== undefined) {
    await assertReachable(url);
    return { url, stop: () => Promise.resolve() };
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startRedis();
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** An optional peer of BullMQ, whose workers would fail without a pause where it is missing. */
function assertDriver(): void {
  const require = createRequire(import.meta.url);
  try {
    createRequire(require.resolve('bullmq')).resolve('ioredis');
  } catch {
    throw new Error('the queue needs a client of Redis: npm install ioredis');
  }
}

/** BullMQ would try for ever. */
async function assertReachable(url: string): Promise<void> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol)) {
    throw new Error('REDIS_URL must be like redis://127.0.0.1:6379');
  }
  const { hostname, port } = parsed;
  const socket = connect(Number(port || 6379), hostname);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new Error(`no Redis answers at ${hostname}:${port || '6379'}: start it, or leave REDIS_URL out`);
  } finally {
    socket.destroy();
  }
}

/**
 * Redis in a directory of its own (the first argument), and a watcher that ends it as soon as our end of the pipe is
 * closed: by `stop`, or with this process, however that ends. The pipe is at 3, since a shell gives its background jobs
 * no standard input.
 */
const SCRIPT = `
exec 3<&0
redis-server "$@" --dir "$0" 3<&- & server=$!
(read -r _ <&3; kill $server) 2>/dev/null &
wait $server; status=$?
rm -rf "$0"; exit $status`;

/** The system's `redis-server` on a free port of this machine; nothing is kept on the disk. */
async function startRedis(): Promise<RunningRedis> {
  const port = await claimPort(0);
  const directory = await mkdtemp(join(tmpdir(), 'llm-router-redis-'));
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  // In a process group of its own: Ctrl-C in the terminal is for us, who still have jobs to finish.
  const child = spawn('sh', ['-c', SCRIPT, directory, ...options], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve).once('error', () => {
      resolve(null);
    });
  });
  const stop = async (): Promise<void> => {
    child.stdin.destroy();
    await ended;
  };
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      // Read on after that: a full pipe would stop it.
      if (said.length < 50) said.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const outcome = await Promise.race([
    ready.then(() => 'ready' as const),
    ended,
    once(timeout, 'abort').then(() => 'late' as const),
  ]);
  if (outcome === 'ready') return { url: `redis://127.0.0.1:${port}`, stop };
  await stop();
  if (said.some((line) => line.includes('Address already in use')))
    throw new PortTakenError('no free port for Redis');
  if (outcome === 'late') throw new Error(`redis-server was not ready after ${TIMEOUT_MS} ms`);
  throw new Error(
    'the queue needs Redis: install redis-server (apt-get install redis-server, brew install redis) or set REDIS_URL',
  );
}
