// How long one decision takes: the plan of a request, over live signals, classification apart.
//
//   node bench/decisions/run.mjs [--rounds 2000] [--check]
//
// Candidates are spread over the three tiers of one rule, each with a price, a window, a capacity and a history of calls.
// Rounds of all sizes take turns, so that a busy moment of the machine falls on all of them. `--check` fails where a goal is
// missed by more than the slack of a shared machine.
import { parseArgs } from 'node:util';
import { loadSubject } from '../load-subject.mjs';

/** Goals of the median, in microseconds, by candidates. */
const GOALS = { 10: 5, 100: 15, 1000: 100 };
const SURFACES = [10, 100, 1000];
/** A decision may take so much longer with a thousand surfaces than with ten. */
const FLAT_RATIO = 1.1;
const CHECK_SLACK = 2;
const BATCH = 20;

function scene({ compileOptions, LiveSignals, TelemetryBus }, candidates, surfaces) {
  const names = Array.from({ length: candidates }, (_, index) => `model-${index}`);
  const third = Math.ceil(candidates / 3);
  const { policy } = compileOptions(
    {
      providers: { one: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' } },
      models: Object.fromEntries(
        names.map((name, index) => [
          name,
          {
            provider: 'one',
            price: { inputPer1M: 0.1 + (index % 9) / 3, outputPer1M: 0.4 + (index % 7) },
            contextWindow: 128_000,
            maxOutputTokens: 8_192,
            capabilities: ['streaming', 'tools'],
            quality: 0.5 + (index % 5) / 10,
            maxConcurrency: 32,
          },
        ]),
      ),
      routingRules: {
        simple_queries: {
          primary: names.slice(0, third),
          fallback: names.slice(third, 2 * third),
          emergency: names.slice(2 * third),
        },
      },
      surfaces: Object.fromEntries(
        Array.from({ length: surfaces }, (_, index) => [
          `surface-${index}`,
          { qualityFloor: 0.4, latencySloMs: 2_000, maxCostPerRequest: 0.5 },
        ]),
      ),
    },
    {},
  );
  const bus = new TelemetryBus();
  const nowMs = Date.now();
  const signals = new LiveSignals(bus, () => nowMs);
  const all = [...policy.models.values()].flatMap((model) => model.deployments);
  for (const [index, { id, model, provider }] of all.entries()) {
    const labels = { deployment: id, model: model.name, provider };
    for (let call = 1; call <= 20; call += 1) {
      const decisionId = `${id} ${call}`;
      const base = { ...labels, decisionId, attempt: 1, startedAtMs: nowMs - 1_000 };
      bus.emit('attempt-started', { ...base, streamed: true });
      const timeToFirstTokenMs = 300 + ((index * 37 + call * 61) % 400);
      bus.emit('attempt-first-token', { ...labels, decisionId, attempt: 1, timeToFirstTokenMs });
      if (call === 20 && index % 3 === 0) break;
      bus.emit('attempt-ended', {
        ...base,
        surface: 'surface-0',
        workload: 'interactive',
        requestClass: 'simple_queries',
        streamed: true,
        tier: 'primary',
        durationMs: 1_000,
        timeToFirstTokenMs,
        outcome: 'succeeded',
        usage: {
          promptTokens: 400,
          completionTokens: 120,
          cachedTokens: 0,
          cacheWriteTokens: 0,
          reasoningTokens: 0,
        },
        usageSource: 'reported',
        costUsd: 0.001,
      });
    }
  }
  const features = {
    inputTokens: 400,
    thinkingTokens: 0,
    requestedOutputTokens: 512,
    choices: 1,
    streamed: true,
    capabilities: ['streaming'],
    parameters: [],
    questionText: '',
    questionCharacters: 1_600,
    asksThinking: false,
    marksCache: false,
    messageCount: 2,
    toolCount: 0,
  };
  const list = [...policy.surfaces.values()];
  let turn = 0;
  return {
    input: () => {
      turn += 1;
      return {
        features,
        classification: { class: 'simple_queries', score: 0.2 },
        requestedModel: 'auto',
        circumstances: {
          surface: list[turn % list.length],
          workload: 'interactive',
          deadlineMs: undefined,
          deadlineLimitMs: undefined,
        },
        policy,
        signals,
        nowMs,
        random: Math.random,
      };
    },
  };
}

function percentile(values, share) {
  const sorted = [...values].sort((first, second) => first - second);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function main() {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '2000' }, check: { type: 'boolean', default: false } },
  });
  const rounds = Number(values.rounds);
  const subject = await loadSubject('decisions');
  const cases = [
    ...Object.entries(GOALS).map(([candidates, goalUs]) => ({
      candidates: Number(candidates),
      surfaces: 10,
      goalUs,
    })),
    ...SURFACES.map((surfaces) => ({ candidates: 10, surfaces, goalUs: undefined })),
  ].map((one) => ({ ...one, ...scene(subject, one.candidates, one.surfaces), tookUs: [] }));
  for (let round = -200; round < rounds; round += 1) {
    for (const { input, tookUs, candidates } of cases) {
      // One alone is too short for the clock.
      const batch = candidates >= 1_000 ? 1 : BATCH;
      const inputs = Array.from({ length: batch }, input);
      const begun = process.hrtime.bigint();
      for (const one of inputs) subject.createPlan(one);
      const us = Number(process.hrtime.bigint() - begun) / 1_000 / batch;
      if (round >= 0) tookUs.push(us);
    }
  }
  let isMet = true;
  const medians = cases.map(({ tookUs }) => percentile(tookUs, 0.5));
  for (const [index, { candidates, surfaces, goalUs, tookUs }] of cases.entries()) {
    const median = medians[index];
    const figures = `${String(candidates).padStart(5)} candidates, ${String(surfaces).padStart(4)} surfaces: p50 ${median.toFixed(1)} us, p99 ${percentile(tookUs, 0.99).toFixed(1)} us`;
    if (goalUs === undefined) {
      process.stdout.write(`${figures}\n`);
      continue;
    }
    const verdict = median <= goalUs ? 'met' : 'NOT met';
    process.stdout.write(`${figures} (goal ${goalUs} us): ${verdict}\n`);
    if (median > goalUs * CHECK_SLACK) isMet = false;
  }
  const ratio = medians.at(-1) / medians.at(-SURFACES.length);
  process.stdout.write(
    `a thousand surfaces over ten: ${ratio.toFixed(2)} times (goal ${FLAT_RATIO}): ${ratio <= FLAT_RATIO ? 'met' : 'NOT met'}\n`,
  );
  if (ratio > FLAT_RATIO * CHECK_SLACK) isMet = false;
  if (values.check && !isMet) process.exitCode = 1;
}

await main();
