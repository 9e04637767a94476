// Feeds random bytes and changed recordings to everything that reads what an upstream sends, and checks what comes out:
// no error but a ProviderError that shows nothing of the input, no answer that was cut and passes for whole, bounded
// time, output and memory.
//
//   npm run bench:fuzz [-- --cases 1000000] [--seed 1] [--from 0]
//   npm run bench:fuzz -- --seed 1 --case 123        one case again, with its input's size and its error's stack
//
// The cases are made in lib/providers/fuzz, where a short run is part of the tests. They run in a worker whose heap is
// bounded; the number of the running case is in shared memory, so that a case that hangs is known by its number.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** A case may take so long; the slowest are run again, because a busy machine is no fault of the case. */
const MAX_CASE_MS = 250;
const RETRIES = 4;
/** A case that has not come back by then never will. */
const HANG_MS = 20_000;
const MAX_HEAP_MB = 512;
/** What the heap may have grown by between the first and the last measurement. */
const MAX_GROWN_MB = 16;
const MEASUREMENTS = 20;
const MAX_FAULTS = 20;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const FIXTURES = join(root, '..', 'shared', 'fixtures');

/** TypeScript is bundled on the fly: the parsers' insides are no part of `dist`. */
async function bundle() {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: join(root, 'lib/providers/fuzz/index.spec-support.ts'),
    // Dependencies stay where they are; helpers of the compiler come along.
    external: (id) => !/^(?:[./\0]|@oxc-project\/)/.test(id),
    platform: 'node',
    // Decorators as the build has them.
    tsconfig: join(root, 'tsconfig.json'),
  });
  const file = join(root, 'bench/fuzz/dist', `${process.pid}.mjs`);
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return file;
}

/** In the worker: the cases one by one. */
async function work({ file, seed, from, cases, current }) {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  await import('reflect-metadata');
  const { loadSeeds, runCase } = await import(pathToFileURL(file).href);
  const seeds = loadSeeds(FIXTURES);
  const heapMb = [];
  const outcomes = {};
  const faults = [];
  let maxMs = 0;
  let maxMsCase = from;
  let maxGrowth = 0;
  let maxGrowthCase = from;
  const every = Math.max(1, Math.floor(cases / MEASUREMENTS));

  const timed = async (index) => {
    const begun = performance.now();
    const running = runCase(seed, index, seeds);
    const outcome = running instanceof Promise ? await running : running;
    return { outcome, ms: performance.now() - begun };
  };

  for (let index = from; index < from + cases; index += 1) {
    Atomics.store(current, 0, index);
    try {
      let { outcome, ms } = await timed(index);
      for (let retry = 0; ms > MAX_CASE_MS / 2 && retry < RETRIES; retry += 1) {
        ms = Math.min(ms, (await timed(index)).ms);
      }
      if (ms > maxMs) [maxMs, maxMsCase] = [ms, index];
      if (outcome.growth > maxGrowth) [maxGrowth, maxGrowthCase] = [outcome.growth, index];
      if (ms > MAX_CASE_MS) throw new Error(`the case took ${ms.toFixed(0)} ms`);
      const counts = (outcomes[`${outcome.target} ${outcome.subject}`] ??= { cases: 0, whole: 0 });
      counts.cases += 1;
      if (outcome.isSuccess) counts.whole += 1;
    } catch (error) {
      const stack = String(error?.stack ?? error).slice(0, 1500);
      // One of each: the same fault in many cases is one.
      const kind = stack
        .replaceAll(/\{.*\}|\d+/g, '')
        .split('\n')
        .slice(0, 3)
        .join();
      const known = faults.find((fault) => fault.kind === kind);
      if (known === undefined) faults.push({ kind, index, times: 1, stack });
      else known.times += 1;
      if (faults.length >= MAX_FAULTS) break;
    }
    if ((index - from + 1) % every === 0) {
      gc();
      heapMb.push(process.memoryUsage().heapUsed / 2 ** 20);
      if (cases > 1) parentPort.postMessage({ done: index - from + 1, faults: faults.length });
    }
  }
  return {
    recordingCount: seeds.recordingCount,
    outcomes,
    faults,
    heapMb,
    slowest: { ms: maxMs, index: maxMsCase },
    growth: { factor: maxGrowth, index: maxGrowthCase },
  };
}

function watch(file, options) {
  const current = new Int32Array(new SharedArrayBuffer(4));
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { file, current, ...options },
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    let seen = -1;
    let seenAt = Date.now();
    const timer = setInterval(() => {
      const index = Atomics.load(current, 0);
      if (index !== seen) [seen, seenAt] = [index, Date.now()];
      else if (Date.now() - seenAt > HANG_MS) {
        void worker.terminate();
        reject(new Error(`case ${index} of seed ${options.seed} hangs`));
      }
    }, 1000);
    const failed = (error) => {
      reject(
        new Error(
          `case ${Atomics.load(current, 0)} of seed ${options.seed} ended the worker: ${error.stack}`,
        ),
      );
    };
    worker.on('message', (message) => {
      if (message.done === undefined) resolve(message);
      else process.stdout.write(`${message.done} cases, ${message.faults} faults\n`);
    });
    worker.once('error', failed);
    worker.once('exit', () => {
      clearInterval(timer);
      failed(new Error('it left'));
    });
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      case: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const from = Number(values.case ?? values.from);
  const cases = values.case === undefined ? Number(values.cases) : 1;
  if (!existsSync(FIXTURES))
    process.stdout.write(`no recordings at ${FIXTURES}: seeds written by hand alone\n`);
  const file = await bundle();
  const begun = performance.now();
  try {
    const result = await watch(file, { seed, from, cases });
    report(result, { seed, from, cases, seconds: (performance.now() - begun) / 1000 });
  } finally {
    await rm(file, { force: true });
  }
}

function report(
  { recordingCount, outcomes, faults, heapMb, slowest, growth },
  { seed, from, cases, seconds },
) {
  const rows = Object.entries(outcomes).sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, { cases: count, whole }] of rows) {
    process.stdout.write(
      `${name.padEnd(32)}${String(count).padStart(9)} cases ${String(whole).padStart(9)} whole\n`,
    );
  }
  const run = rows.reduce((sum, [, { cases: count }]) => sum + count, 0);
  process.stdout.write(
    [
      `seed ${seed}, from case ${from}: ${run} of ${cases} cases in ${seconds.toFixed(1)} s, ${recordingCount} recordings`,
      `slowest case ${slowest.ms.toFixed(1)} ms (case ${slowest.index}), limit ${MAX_CASE_MS}`,
      `most output for a byte of input ${growth.factor.toFixed(1)} characters (case ${growth.index})`,
      `heap after each twentieth, in MB: ${heapMb.map((size) => size.toFixed(1)).join(' ')}`,
      '',
    ].join('\n'),
  );
  for (const { index, times, stack } of faults) {
    process.stdout.write(
      `FAULT, ${times} times, the first again by --seed ${seed} --case ${index}\n${stack}\n\n`,
    );
  }
  // What the first twentieth warms up stays.
  const grownMb = heapMb.length < 3 ? 0 : heapMb.at(-1) - heapMb[1];
  if (grownMb > MAX_GROWN_MB) process.stdout.write(`FAULT: the heap grew by ${grownMb.toFixed(1)} MB\n`);
  const isWhole = faults.length === 0 && grownMb <= MAX_GROWN_MB;
  process.stdout.write(isWhole ? 'no fault found\n' : '');
  process.exitCode = isWhole ? 0 : 1;
}

if (isMainThread) await main();
else parentPort.postMessage(await work(workerData));
