import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { getQueueToken } from '@nestjs/bullmq';
import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Queue, QueueEvents } from 'bullmq';
import { lastValueFrom } from 'rxjs';
import ts from 'typescript';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sandbox } from 'nestjs-llm-router/testing';
// Internal on purpose: the records say under which surface and workload each request was served.
import { RouterEngine } from '../lib/router/index.js';
import type { RequestRecord } from '../lib/telemetry/index.js';
import { createApp, QUEUE_PREFIX } from '../sample/microservice-and-queue/app.module.js';
import { claimPort } from '../sample/microservice-and-queue/claim-port.js';
import { type Digest, type DigestJob, DIGESTS } from '../sample/microservice-and-queue/digests/digest.js';
import { guide } from '../sample/microservice-and-queue/guide.js';
import { findRedis, type RunningRedis } from '../sample/microservice-and-queue/redis.js';
import { routerOptions } from '../sample/microservice-and-queue/router-options.js';
import { createTicketSandbox } from '../sample/microservice-and-queue/sandbox.js';
import type { Triage } from '../sample/microservice-and-queue/ticket.js';

const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0;
const WHERE = HAS_REDIS ? '' : ' (skipped: there is no redis-server on this machine)';
const TTL_MS = 10_000;

/** Keeps what the sample itself has logged, and every error. */
class KeepingLogger extends ConsoleLogger {
  readonly served: string[] = [];
  readonly errors: unknown[] = [];

  override log(message: unknown, context?: unknown): void {
    if (context === 'Served') this.served.push(String(message));
  }

  override error(...values: unknown[]): void {
    this.errors.push(values);
  }

  override warn(): void {
    // Of what the sandbox's small models cannot take.
  }
}

/** Does what a shell would do with a pasted line; a machine with Node alone may have no curl. */
async function paste(line: string): Promise<Response> {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const valueOf = (flag: string): string | undefined =>
    words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;
  const [name = '', value = ''] = (valueOf('-H') ?? 'accept: */*').split(': ');
  const body = valueOf('-d');
  return fetch(words.find((word) => word.startsWith('http://')) ?? '', {
    method: valueOf('-X') ?? (body === undefined ? 'GET' : 'POST'),
    headers: { [name]: value },
    body,
  });
}

describe.skipIf(!HAS_REDIS)(`the microservice and queue sample${WHERE}`, () => {
  let redis: RunningRedis;
  let sandbox: Sandbox;
  let app: INestApplication;
  let url: string;
  let tcpPort: number;
  let client: ClientProxy;
  let queue: Queue<DigestJob, Digest>;
  let events: QueueEvents;
  let requests: RequestRecord[];
  const logger = new KeepingLogger();

  beforeAll(async () => {
    redis = await findRedis(undefined);
    [sandbox, tcpPort] = await Promise.all([createTicketSandbox({ latencyScale: 0.02 }), claimPort(0)]);
    app = await createApp({ router: routerOptions(sandbox), redisUrl: redis.url, tcpPort }, { logger });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: tcpPort },
    });
    app.get(RouterEngine, { strict: false }).bus.on('request-ended', (record) => requests.push(record));
    queue = app.get<Queue<DigestJob, Digest>>(getQueueToken(DIGESTS), { strict: false });
    events = new QueueEvents(DIGESTS, { connection: { url: redis.url }, prefix: QUEUE_PREFIX });
    await events.waitUntilReady();
  });

  beforeEach(() => {
    // An outage of one test must not steer the next.
    app.get(RouterEngine, { strict: false }).signals.forget();
    requests = [];
    logger.served.length = 0;
  });

  afterAll(async () => {
    await client.close();
    await events.close();
    await app.close();
    await Promise.all([sandbox.close(), redis.stop()]);
  });

  const send = (text: string): Promise<Triage> => lastValueFrom(client.send<Triage>('triage', { text }));

  const work = async (text: string): Promise<Digest> => {
    const job = await queue.add('ticket', { title: text, tickets: [text] });
    return job.waitUntilFinished(events, TTL_MS);
  };

  const openTicket = async (text: string): Promise<{ job: string }> => {
    const response = await fetch(`${url}/tickets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as { job: string };
  };

  const seen = (): string[] =>
    requests.map(
      ({ surface, workload, servedBy, outcome }) =>
        `${surface} ${workload} ${servedBy?.model ?? 'nothing'} ${outcome}`,
    );

  it('prints lines that work when pasted, in their order', async () => {
    const answers: { path: string; status: number; body: unknown }[] = [];
    for (const line of guide(url, tcpPort, true).split('\n')) {
      if (!line.startsWith('curl ')) continue;
      // A person is slower than the queue.
      if (line.endsWith('/digests/1')) await (await queue.getJob('1'))?.waitUntilFinished(events, TTL_MS);
      const response = await paste(line);
      const { pathname } = new URL(response.url);
      answers.push({ path: pathname, status: response.status, body: await response.json() });
    }
    const text = expect.any(String) as string;
    expect(answers).toMatchObject([
      { path: '/tickets', status: 201, body: { id: 1, category: 'billing', urgent: false, job: '1' } },
      { path: '/tickets', status: 201, body: { id: 2, category: 'bug', urgent: true, job: '2' } },
      { path: '/digests', status: 201, body: { job: '3' } },
      {
        path: '/digests/1',
        status: 200,
        body: { state: 'completed', digest: { title: 'Ticket 1', summary: text } },
      },
      { path: '/router/kpis', status: 200 },
      { path: '/health', status: 200, body: { status: 'ok' } },
    ]);
    await (await queue.getJob('3'))?.waitUntilFinished(events, TTL_MS);
  });

  it('serves each part under its own surface, workload and model, and says so', async () => {
    const { job } = await openTicket('The app crashes');
    await (await queue.getJob(job))?.waitUntilFinished(events, TTL_MS);
    expect(seen()).toEqual([
      'triage interactive claude-haiku-4-5 succeeded',
      'digests background gpt-3.5-turbo succeeded',
    ]);
    expect(logger.served).toEqual([
      'triage of a ticket: surface=triage workload=interactive model=claude-haiku-4-5',
      `job ${job}: surface=digests workload=background model=gpt-3.5-turbo`,
    ]);
  });

  it('fires the cron job: a headline, and a digest for the queue', async () => {
    await openTicket('How do I log in?');
    await openTicket('Where is my invoice?');
    const cron = app.get(SchedulerRegistry).getCronJob('daily-digest');
    const daily = new Promise<string>((resolve) => {
      events.on('completed', ({ jobId, returnvalue }) => {
        // Typed as text; it comes parsed.
        const { title } = returnvalue as unknown as Digest;
        if (!title.startsWith('Ticket ')) resolve(jobId);
      });
    });
    await cron.fireOnTick();
    const job = await queue.getJob(await daily);
    events.removeAllListeners('completed');
    expect(job?.name).toBe('daily');
    expect(job?.data.title).toContain('It stands in for claude-sonnet-4-5');
    expect(job?.data.tickets).toContain('billing: Where is my invoice?');
    expect(job?.returnvalue.summary).toContain('It stands in for gpt-3.5-turbo');
    expect(seen()).toContain('headlines background claude-sonnet-4-5 succeeded');
    // Told once.
    requests = [];
    await cron.fireOnTick();
    expect(requests).toEqual([]);
    const { surfaces } = (await (await fetch(`${url}/router/kpis`)).json()) as {
      surfaces: Record<string, { requests: number; succeeded: number }>;
    };
    for (const name of ['triage', 'digests', 'headlines']) {
      expect(surfaces[name]?.requests).toBeGreaterThan(0);
      expect(surfaces[name]?.succeeded).toBe(surfaces[name]?.requests);
    }
  });

  it('20 messages and jobs at once never cross', async () => {
    const { anthropic, openai, gemini, local } = sandbox.upstreams;
    const before = new Map(
      Object.values(sandbox.upstreams).map((upstream) => [upstream, upstream.requests.length]),
    );
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? send('a message') : work('a job'))),
    );
    expect(seen().toSorted()).toEqual([
      ...Array.from({ length: 10 }, () => 'digests background gpt-3.5-turbo succeeded'),
      ...Array.from({ length: 10 }, () => 'triage interactive claude-haiku-4-5 succeeded'),
    ]);
    const prompts = (upstream: Sandbox['upstreams']['openai']): boolean[] =>
      upstream.requests
        .slice(before.get(upstream))
        .map(({ body }) => JSON.stringify(body).includes('a message'));
    expect(prompts(anthropic)).toEqual(Array.from({ length: 10 }, () => true));
    expect(prompts(openai)).toEqual(Array.from({ length: 10 }, () => false));
    expect([...prompts(gemini), ...prompts(local)]).toEqual([]);
  });

  it('a provider killed in between does not show', async () => {
    const { anthropic, openai } = sandbox.upstreams;
    const reached = [
      anthropic.whenRequests(anthropic.requestCount + 3),
      openai.whenRequests(openai.requestCount + 2),
    ];
    const all = Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? send('a message') : work('a job'))),
    );
    await Promise.all(reached);
    anthropic.failAlways({ kind: 'refused' });
    openai.failAlways({ kind: 'refused' });
    try {
      for (const result of await all) expect(result).toBeTypeOf('object');
      await send('one more');
      await work('one more');
    } finally {
      await Promise.all([anthropic.heal(), openai.heal()]);
    }
    expect(requests).toHaveLength(22);
    expect(requests.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([]);
    expect(requests.filter(({ attempts }) => attempts > 1).length).toBeGreaterThan(0);
    expect(seen().slice(-2)).toEqual([
      'triage interactive llama-3.3-70b succeeded',
      'digests background llama-3.3-70b succeeded',
    ]);
    const allowed = new Set(['triage interactive', 'digests background']);
    expect(requests.filter(({ surface, workload }) => !allowed.has(`${surface} ${workload}`))).toEqual([]);
    // The floor of the triage holds on the fallback too.
    expect(seen().filter((line) => line.startsWith('triage') && line.includes('gpt-3.5'))).toEqual([]);
  });

  it('refuses nonsense before any model is asked', async () => {
    for (const nonsense of [{}, { text: '' }, { text: 7 }, 'text', []]) {
      await expect(lastValueFrom(client.send('triage', nonsense))).rejects.toMatchObject({
        status: 'error',
        message: 'A ticket is { text }, of 1 to 4000 characters.',
      });
      const response = await fetch(`${url}/tickets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(nonsense),
      });
      expect(response.status).toBe(400);
    }
    expect((await fetch(`${url}/digests/nonsense`)).status).toBe(404);
    expect(requests).toEqual([]);
  });

  it('finishes what is under way, begins nothing new, and closes at once', async () => {
    expect(logger.errors).toEqual([]);
    const { anthropic, openai } = sandbox.upstreams;
    await openTicket('The last one');
    const slow = { timeToFirstTokenMs: 400, tokensPerSecond: Infinity };
    anthropic.setLatency(slow);
    openai.setLatency(slow);
    const asked = [
      openai.whenRequests(openai.requestCount + 4),
      anthropic.whenRequests(anthropic.requestCount + 1),
    ];
    const cron = app.get(SchedulerRegistry).getCronJob('daily-digest').fireOnTick();
    await Promise.all(
      Array.from({ length: 6 }, (_, index) => queue.add('last', { title: `${index}`, tickets: ['last'] })),
    );
    await Promise.all(asked);
    requests = [];
    const startedAt = performance.now();
    await Promise.all([app.close(), cron]);
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(requests.map(({ outcome }) => outcome)).toEqual(requests.map(() => 'succeeded'));
    expect(seen()).toContain('headlines background claude-sonnet-4-5 succeeded');
    const reader = new Queue<DigestJob, Digest>(DIGESTS, {
      connection: { url: redis.url },
      prefix: QUEUE_PREFIX,
    });
    try {
      const named = async (state: 'completed' | 'waiting'): Promise<string[]> =>
        (await reader.getJobs([state])).map(({ name }) => name).filter((name) => name !== 'ticket');
      expect((await named('completed')).filter((name) => name === 'last').length).toBeGreaterThanOrEqual(3);
      // For the next start. Nothing was begun after the router had stopped: that would have failed, and be delayed.
      expect(await named('waiting')).toContain('daily');
      expect(await named('waiting')).toContain('last');
      expect(await reader.getJobCounts('active', 'delayed', 'failed')).toEqual({
        active: 0,
        delayed: 0,
        failed: 0,
      });
    } finally {
      await reader.close();
    }
    expect(logger.errors).toEqual([]);
  });
});

describe('the Redis of the sample', () => {
  it('is said to be out of reach in one line', async () => {
    await expect(findRedis('nonsense')).rejects.toThrow('REDIS_URL must be like redis://127.0.0.1:6379');
    await expect(findRedis('http://127.0.0.1')).rejects.toThrow('REDIS_URL must be like');
    const port = await claimPort(0);
    await expect(findRedis(`redis://127.0.0.1:${port}`)).rejects.toThrow(
      `no Redis answers at 127.0.0.1:${port}: start it, or leave REDIS_URL out`,
    );
  });

  it('is asked for in one line where there is none', async () => {
    const path = await mkdtemp(join(tmpdir(), 'no-redis-'));
    await symlink('/bin/sh', join(path, 'sh'));
    await symlink('/bin/rm', join(path, 'rm'));
    vi.stubEnv('PATH', path);
    try {
      await expect(findRedis(undefined)).rejects.toThrow(
        /^the queue needs Redis: install redis-server .* or set REDIS_URL$/,
      );
    } finally {
      vi.unstubAllEnvs();
      await rm(path, { recursive: true });
    }
  });
});

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Each file for itself, without a look at types: a build in about two seconds, and not into the working tree. */
async function transpile(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || /\.(d|spec)\.ts$/.test(entry.name)) continue;
    const source = join(entry.parentPath, entry.name);
    if (source.includes('/dist/')) continue;
    const target = join(to, source.slice(from.length)).replace(/\.ts$/, '.js');
    const { outputText } = ts.transpileModule(await readFile(source, 'utf8'), {
      fileName: source,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText);
  }
}

describe.skipIf(!HAS_REDIS)(`the microservice and queue sample as a command${WHERE}`, () => {
  let home: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    // As the package stands after `npm run build`.
    home = await mkdtemp(join(tmpdir(), 'microservice-and-queue-'));
    await copyFile(join(ROOT, 'package.json'), join(home, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'), 'dir');
    await transpile(join(ROOT, 'lib'), join(home, 'dist'));
    await transpile(join(ROOT, 'sample/microservice-and-queue'), join(home, 'sample'));
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
  });

  const start = (environment: NodeJS.ProcessEnv): ChildProcess & { stdout: NodeJS.ReadableStream } => {
    const {
      OPENAI_API_KEY: _1,
      ANTHROPIC_API_KEY: _2,
      GEMINI_API_KEY: _3,
      REDIS_URL: _4,
      ...rest
    } = process.env;
    const child = spawn(process.execPath, [join(home, 'sample/main.js')], {
      env: { ...rest, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  };

  /** Resolves when Redis has gone, and taken its directory along. */
  const whenRedisGone = (temporary: string): Promise<void> =>
    new Promise((resolve) => {
      const look = async (): Promise<void> => {
        if ((await readdir(temporary)).length > 0) return;
        watcher.close();
        resolve();
      };
      const watcher = watch(temporary, () => void look());
      void look();
    });

  it('serves a ticket; SIGTERM leaves no Redis behind', async () => {
    const temporary = join(home, 'tmp');
    await mkdir(temporary);
    const port = await claimPort(0);
    const child = start({ PORT: String(port), TMPDIR: temporary });
    for await (const line of createInterface({ input: child.stdout })) if (line.endsWith('/health')) break;
    const response = await fetch(`http://127.0.0.1:${port}/tickets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'My invoice is wrong' }),
    });
    expect(await response.json()).toMatchObject({ category: 'billing', job: '1' });
    expect(await readdir(temporary)).toHaveLength(1);
    const exited = once(child, 'exit');
    const startedAt = performance.now();
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await whenRedisGone(temporary);
  });

  it('says in one line what is wrong', async () => {
    const child = start({ PORT: 'nonsense' });
    let said = '';
    child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
    expect((await once(child, 'close'))[0]).toBe(1);
    expect(said).toBe('microservice-and-queue: PORT must be a number from 0 to 65535\n');
  });
});
