import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';

/** The system's program of that name; undefined: there is none. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** What promtool says of a file of rules: its output, and whether it is content. */
export function checkRules(promtool: string, file: string): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', file], { encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

export interface FiringAlert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface PrometheusServer {
  /** What the expression gives now. */
  query(expression: string): Promise<readonly QueryResult[]>;
  alerts(): Promise<readonly FiringAlert[]>;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A real Prometheus, which scrapes `target` (host and port) each second and holds the file's rules against it. */
export async function startPrometheus(
  program: string,
  target: string,
  rulesFile: string,
): Promise<PrometheusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-router-prometheus-'));
  const configuration = join(folder, 'prometheus.yml');
  await writeFile(
    configuration,
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rulesFile],
      scrape_configs: [{ job_name: 'llm-router', static_configs: [{ targets: [target] }] }],
    }),
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    program,
    [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4_000);
  });
  const close = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await isReady(`${url}/-/ready`, child, () => said);
  } catch (error) {
    await close();
    throw error;
  }
  const read = async <Data>(path: string): Promise<Data> => {
    const response = await fetch(`${url}/api/v1/${path}`);
    const { data } = (await response.json()) as { readonly data: Data };
    return data;
  };
  return {
    query: async (expression) => {
      const { result } = await read<{ readonly result: readonly QueryResult[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return result;
    },
    alerts: async () => {
      const { alerts } = await read<{ readonly alerts: readonly FiringAlert[] }>('alerts');
      return alerts;
    },
    close,
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** It tells nobody when it is ready, so it has to be asked. */
async function isReady(url: string, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`Prometheus has ended: ${said()}`);
    try {
      const { ok } = await fetch(url);
      if (ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  throw new Error(`Prometheus is not ready after 30 s: ${said()}`);
}
