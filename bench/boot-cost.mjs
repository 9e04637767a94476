// What importing the router costs an application: time and memory of the boot, over the built package.
//
//   npm run build && npm run bench:boot [-- --rounds 15] [--check] [--json]
//
// Every measurement is a fresh process. The base is a Nest application on Express with one empty module, and Terminus,
// a peer of ours that most applications have; `without terminus` counts it as ours. With `class-validator` in the base
// too, which every application with a ValidationPipe has loaded, the difference is what such an application pays.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

/** What importing the module into an empty application may cost. */
const GOALS = { bootMs: 50, memoryMb: 15 };
const ROUND_TIMEOUT_MS = 60_000;

/** What each application loads and imports. */
const VARIANTS = {
  bare: { preload: [], router: false },
  base: { preload: ['@nestjs/terminus'], router: false },
  router: { preload: ['@nestjs/terminus'], router: true },
  'base with a ValidationPipe': {
    preload: ['@nestjs/terminus', 'class-transformer', 'class-validator'],
    router: false,
  },
  'router with a ValidationPipe': {
    preload: ['@nestjs/terminus', 'class-transformer', 'class-validator'],
    router: true,
  },
};

const COMPARISONS = [
  { label: 'importing the router', from: 'base', to: 'router', isJudged: true },
  { label: '… Terminus counted in', from: 'bare', to: 'router' },
  {
    label: '… beside a ValidationPipe',
    from: 'base with a ValidationPipe',
    to: 'router with a ValidationPipe',
  },
];

/** The application of one measurement: boots, prints its figures, and ends. */
async function boot({ preload, router }) {
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  await import('@nestjs/platform-express');
  for (const name of preload) await import(name);
  const imports = [];
  if (router) {
    const { LlmRouterModule } = await import('nestjs-llm-router');
    imports.push(
      LlmRouterModule.forRoot({
        providers: { openai: { api: 'openai', apiKey: 'no key' } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
      }),
    );
  }
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- decorated by hand: this file is plain JavaScript
  class AppModule {}
  Module({ imports })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.init();
  const wallMs = performance.now();
  const { user, system } = process.cpuUsage();
  // Twice: what the first run lets go of, the second takes away.
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed } = process.memoryUsage();
  process.stdout.write(
    JSON.stringify({
      wallMs,
      cpuMs: (user + system) / 1e3,
      rssMb: rss / 2 ** 20,
      heapMb: heapUsed / 2 ** 20,
    }),
  );
  await app.close();
}

async function measure(variant) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', fileURLToPath(import.meta.url), '--boot', variant],
    { timeout: ROUND_TIMEOUT_MS, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  return JSON.parse(stdout);
}

function quantile(values, share) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
}

const FIGURES = ['wallMs', 'cpuMs', 'rssMb', 'heapMb'];

/** Figure by figure, over all rounds. */
function summarise(rounds, pick) {
  return Object.fromEntries(FIGURES.map((figure) => [figure, pick(rounds.map((round) => round[figure]))]));
}

function row(label, figures) {
  const [wallMs, cpuMs, rssMb, heapMb] = FIGURES.map((figure) => figures[figure].toFixed(1).padStart(9));
  process.stdout.write(`${label.padEnd(32)}${wallMs}${cpuMs}${rssMb}${heapMb}\n`);
}

async function main() {
  const { values } = parseArgs({
    options: {
      boot: { type: 'string' },
      rounds: { type: 'string', default: '9' },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.boot !== undefined) return boot(VARIANTS[values.boot]);

  if (!existsSync(new URL('../dist/index.js', import.meta.url))) {
    throw new Error('there is no dist: npm run build comes first');
  }
  const rounds = Math.max(1, Number(values.rounds));
  const measured = Object.fromEntries(Object.keys(VARIANTS).map((variant) => [variant, []]));
  // The first of each fills the file cache. Then in turns, so that a busy moment falls on all alike.
  for (const variant of Object.keys(VARIANTS)) await measure(variant);
  for (let round = 0; round < rounds; round++) {
    for (const variant of Object.keys(VARIANTS)) measured[variant].push(await measure(variant));
  }

  const median = (numbers) => quantile(numbers, 0.5);
  const medians = Object.fromEntries(
    Object.entries(measured).map(([variant, all]) => [variant, summarise(all, median)]),
  );
  const costs = COMPARISONS.map(({ label, from, to, isJudged = false }) => ({
    label,
    isJudged,
    cost: Object.fromEntries(FIGURES.map((figure) => [figure, medians[to][figure] - medians[from][figure]])),
  }));
  const { cost } = costs.find(({ isJudged }) => isJudged);
  // A process that only waits for its turn has not worked: on a busy machine the processor's time is the truer figure.
  const bootMs = Math.min(cost.wallMs, cost.cpuMs);
  const isMet = { boot: bootMs <= GOALS.bootMs, memory: cost.rssMb <= GOALS.memoryMb };

  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ node: process.version, rounds, medians, costs, goals: GOALS, isMet })}\n`,
    );
  } else {
    process.stdout.write(
      `Node ${process.version}, ${cpus().length} processors, load ${loadavg()[0].toFixed(1)}, medians of ${rounds} rounds\n\n`,
    );
    process.stdout.write(`${''.padEnd(32)}  wall ms   cpu ms   rss MB  heap MB\n`);
    for (const [variant, figures] of Object.entries(medians)) row(variant, figures);
    process.stdout.write('\n');
    for (const { label, cost: figures } of costs) row(label, figures);
    const verdict = (met) => (met ? 'met' : 'NOT met');
    process.stdout.write(
      `\ngoals: boot at most ${GOALS.bootMs} ms: ${verdict(isMet.boot)} (${bootMs.toFixed(0)} ms); ` +
        `memory at most ${GOALS.memoryMb} MB: ${verdict(isMet.memory)} (${cost.rssMb.toFixed(1)} MB)\n`,
    );
  }
  if (values.check && !(isMet.boot && isMet.memory)) process.exitCode = 1;
}

await main();
