// Replays what it is told of, one (day, seed, strategy) after the other: a process of its own.
import process from 'node:process';
import { compileOptions, replay } from '../../dist/replay/index.js';
import { configurationFor, worldOf } from './days.mjs';
import { routerOf } from './strategies.mjs';
import { busiestMinutes, readDay } from './trace.mjs';

const requests = await readDay();
const busiestFromMs = busiestMinutes(requests, 600_000);
const compiled = new Map();

process.on('message', ({ day, seed, strategy, shape, prices }) => {
  const key = `${shape} ${prices}`;
  if (!compiled.has(key)) compiled.set(key, compileOptions(configurationFor(shape, prices), {}));
  const options = compiled.get(key);
  const report = replay({
    compiled: options,
    requests,
    world: worldOf(day, seed, busiestFromMs),
    seed,
    requestedModel: 'chat',
    createRouter: strategy === 'ours' ? undefined : routerOf(strategy, options.policy, seed),
  });
  process.send({
    slo: 100 * report.sloAttainment,
    success: 100 * report.successRate,
    cost: report.costUsd,
    calls: report.attempts / report.requests,
    violations: report.floorViolations,
    shares: Object.fromEntries(
      Object.entries(report.deployments).map(([id, { share }]) => [id.split('/')[0], share]),
    ),
    p95Ms: report.surfaces.chat.latencyMs?.p95,
    errors: report.errors,
  });
});
process.send('ready');
