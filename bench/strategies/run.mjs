// Ours beside the simple strategies on five scripted days over a production trace.
//
//   npm run build && node bench/strategies/run.mjs [--seeds 20] [--seed 1] [--jobs 2] [--days calm,peak]
//     [--strategies "random,least busy"] [--shape pool|tiers] [--prices mixed|cheap-first|equal] [--check] [--json]
//
// `--seeds 2` is the short form. See README.md for what is measured and what is to be reached.
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

async function main() {
  if (!existsSync(new URL('../../dist/replay/index.js', import.meta.url))) {
    throw new Error('there is no dist: npm run build comes first');
  }
  // Both stand on dist.
  const { DAYS, PRICE_LISTS } = await import('./days.mjs');
  const { STRATEGIES } = await import('./strategies.mjs');
  const { hasTrace } = await import('./trace.mjs');
  const { judge, print } = await import('./table.mjs');
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '2' },
      days: { type: 'string', default: Object.keys(DAYS).join(',') },
      strategies: { type: 'string', default: STRATEGIES.join(',') },
      shape: { type: 'string', default: 'pool' },
      prices: { type: 'string', default: PRICE_LISTS[0] },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const days = chosen(values.days, Object.keys(DAYS), 'day');
  const others = chosen(values.strategies, STRATEGIES, 'strategy');
  const [shape] = chosen(values.shape, ['pool', 'tiers'], 'shape');
  const [prices] = chosen(values.prices, PRICE_LISTS, 'price list');
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.seed) + index);
  if (!hasTrace) process.stderr.write('The Azure trace is not here: arrivals are made up.\n');

  const names = ['ours', ...others];
  const jobs = days.flatMap((day) =>
    seeds.flatMap((seed) => names.map((strategy) => ({ day, seed, strategy, shape, prices }))),
  );
  const startedAt = performance.now();
  const figures = await runAll(jobs, Number(values.jobs));
  const results = jobs.map((job, index) => ({ ...job, ...figures[index] }));
  const verdict = judge(results, days, others);
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ shape, prices, seeds, results, verdict }, null, 2)}\n`);
  } else {
    print({ results, days, names, verdict, seeds, shape, prices, what: DAYS });
    process.stdout.write(
      `\n${jobs.length} days replayed in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`,
    );
  }
  if (values.check && !verdict.isMet) process.exitCode = 1;
}

function chosen(text, known, what) {
  const names = text.split(',');
  for (const name of names) {
    if (!known.includes(name)) throw new Error(`no ${what} "${name}"; there are ${known.join(', ')}`);
  }
  return names;
}

/** Over so many processes, each one job after the other. */
async function runAll(jobs, processes) {
  const results = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(processes, jobs.length) }, async () => {
      const child = fork(WORKER);
      await answerOf(child);
      while (next < jobs.length) {
        const index = next++;
        const answer = answerOf(child);
        child.send(jobs[index]);
        results[index] = await answer;
      }
      child.disconnect();
    }),
  );
  return results;
}

function answerOf(child) {
  return new Promise((resolve, reject) => {
    const onMessage = (message) => {
      child.off('exit', onExit);
      resolve(message);
    };
    const onExit = (code) => {
      child.off('message', onMessage);
      reject(new Error(`a worker ended with ${code}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}

await main();
