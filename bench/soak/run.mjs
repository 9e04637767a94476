// The soak: many requests in flight with random faults, then many streams that are left.
//
//   npm run build && node bench/soak/run.mjs [--seconds 60] [--in-flight 300] [--aborts 10000] [--seed 1]
//     [--shape tiers|pool] [--part load,aborts] [--json] [--check]
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const GOALS = { earlySuccess: 0.999, overrunMs: 100, heapGrowth: 0.05 };

async function runPart(file, options) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(options)],
    { maxBuffer: 2 ** 26, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  return JSON.parse(stdout);
}

/** @returns {{ line: string, isMet: boolean }[]} */
function judgeLoad(figures) {
  const { early, late, unharmed, overrunMs, eventLoopMs, verdicts } = figures;
  const count = (verdict) => verdicts[verdict] ?? 0;
  const earlyShare = early.couldServe === 0 ? 1 : early.ok / early.couldServe;
  const overrunGoalMs = GOALS.overrunMs + eventLoopMs.max;
  return [
    {
      line: `unanswered ${figures.asked - figures.answered + count('hang')}, corrupt or twice ${count('corrupt')}, truncated in silence ${count('truncated')}, untyped ${count('untyped')} of ${figures.asked}`,
      isMet:
        figures.asked === figures.answered &&
        ['hang', 'corrupt', 'truncated', 'untyped'].every((verdict) => count(verdict) === 0),
    },
    {
      line: `without a fault ${unharmed.ok} of ${unharmed.count} are right`,
      isMet: unharmed.ok === unharmed.count,
    },
    {
      line: `faults before the first token alone: ${early.ok} of ${early.couldServe} are right (${(earlyShare * 100).toFixed(2)} %; goal 99.9 %); ${early.count - early.couldServe} more had faults at all three`,
      isMet: earlyShare >= GOALS.earlySuccess,
    },
    {
      line: `faults after the first token: ${late.typed} of ${late.count} end as typed errors, ${late.ok} are right all the same`,
      isMet: late.typed + late.ok === late.count,
    },
    {
      line: `past the deadline: p99.9 ${overrunMs.p999.toFixed(0)} ms, at most ${overrunMs.max.toFixed(0)} ms (goal ${overrunGoalMs.toFixed(0)} ms: 100 and the event loop's delay, p99.9 ${eventLoopMs.p999.toFixed(0)} ms, at most ${eventLoopMs.max.toFixed(0)} ms)`,
      isMet: overrunMs.p999 <= overrunGoalMs,
    },
    {
      line: `left: in flight ${figures.leftInFlight}, open at the upstreams ${figures.openUpstream}, sockets and timers ${figures.leftResources.join(' ') || 0}`,
      isMet: figures.leftInFlight === 0 && figures.openUpstream === 0 && figures.leftResources.length === 0,
    },
  ];
}

function judgeAborts({ aborts, beforeMb, heaps, growth, openUpstream, verdicts }) {
  return [
    {
      line: `heap ${beforeMb.toFixed(1)} MB, after ${aborts} streams that were left ${heaps.map((mb) => mb.toFixed(1)).join(', ')} MB: ${(growth * 100).toFixed(1)} % (goal ${GOALS.heapGrowth * 100} %)`,
      isMet: growth <= GOALS.heapGrowth,
    },
    {
      line: `open at the upstreams ${openUpstream}; ${JSON.stringify(verdicts)}`,
      isMet:
        openUpstream === 0 &&
        Object.keys(verdicts).every((verdict) => verdict === 'left' || verdict === 'ok'),
    },
  ];
}

function print(judged) {
  for (const { line, isMet } of judged) process.stdout.write(`${isMet ? 'met    ' : 'NOT met'}  ${line}\n`);
}

async function main() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      'in-flight': { type: 'string', default: '300' },
      aborts: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      shape: { type: 'string', default: 'tiers' },
      part: { type: 'string', default: 'load,aborts' },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  if (!existsSync(new URL('../../dist/index.js', import.meta.url))) {
    throw new Error('there is no dist: npm run build comes first');
  }
  const parts = values.part.split(',');
  const common = { seed: values.seed, shape: values.shape };
  const judged = [];
  if (parts.includes('load')) {
    const figures = await runPart('load.mjs', {
      ...common,
      seconds: Number(values.seconds),
      inFlight: Number(values['in-flight']),
    });
    const verdicts = judgeLoad(figures);
    judged.push(...verdicts);
    if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else {
      process.stdout.write(
        `${values['in-flight']} in flight for ${values.seconds} s: ${figures.asked} requests, ${figures.perSecond.toFixed(0)} a second, ${figures.callsPerRequest.toFixed(2)} calls each\n`,
      );
      print(verdicts);
      for (const [what, count] of Object.entries(figures.details))
        process.stdout.write(`  ${count} × ${what}\n`);
      for (const { second, answered, shed, providers } of figures.course) {
        process.stdout.write(
          `  ${second} s: ${answered} answered, ${shed} of them shed; ${providers.join(' | ')}\n`,
        );
      }
      for (const odd of figures.oddities) process.stdout.write(`  ${JSON.stringify(odd)}\n`);
    }
  }
  if (parts.includes('aborts')) {
    const figures = await runPart('aborts.mjs', { ...common, aborts: Number(values.aborts) });
    const verdicts = judgeAborts(figures);
    judged.push(...verdicts);
    if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else print(verdicts);
  }
  if (values.check && judged.some(({ isMet }) => !isMet)) process.exitCode = 1;
}

await main();
