// The KPI store by itself: how exact its percentiles are, what memory a day of traffic takes, what one record costs.
//
//   npm run bench:kpis
//
// SURFACES, DEPLOYMENTS, PER_SECOND (requests of the simulated day) and SEED may be set in the environment.
import { loadSubject } from '../load-subject.mjs';
import { latenciesOf } from './latencies.mjs';

const { KpiHistogram, KpiStore, TelemetryBus } = await loadSubject('kpis');

const SURFACES = Number(process.env.SURFACES ?? 20);
const DEPLOYMENTS = Number(process.env.DEPLOYMENTS ?? 20);
const PER_SECOND = Number(process.env.PER_SECOND ?? 20);
const SEED = Number(process.env.SEED ?? 7);
const DAY_MS = 86_400_000;

if (globalThis.gc === undefined) throw new Error('Run it with --expose-gc, as `npm run bench:kpis` does.');

const { latencies, source } = latenciesOf(100_000, SEED);
let failed = false;
function goal(isMet, text) {
  console.log(`${isMet ? 'ok  ' : 'MISS'} ${text}`);
  failed ||= !isMet;
}

function exact(sorted, percent) {
  return sorted[Math.ceil((percent * sorted.length) / 100) - 1];
}

function checkPercentiles() {
  console.log(`\nPercentiles of ${latencies.length} latencies (${source})`);
  for (const [what, values] of Object.entries({
    'latency, ms': latencies.map(({ durationMs }) => durationMs),
    'first token, ms': latencies.map(({ timeToFirstTokenMs }) => timeToFirstTokenMs),
    'per output token, ms': latencies.map(
      ({ durationMs, timeToFirstTokenMs, tokens }) => (durationMs - timeToFirstTokenMs) / (tokens - 1),
    ),
  })) {
    // In 96 parts that are merged, as those of a day are.
    const parts = Array.from({ length: 96 }, () => new KpiHistogram());
    values.forEach((value, index) => parts[index % parts.length].record(value));
    const merged = new KpiHistogram();
    for (const part of parts) merged.merge(part);
    const read = merged.percentiles();
    const sorted = values.toSorted((left, right) => left - right);
    for (const percent of [50, 95, 99]) {
      const expected = exact(sorted, percent);
      const got = read[`p${percent}`];
      const error = Math.abs(got / expected - 1);
      goal(
        error <= 0.01,
        `p${percent} of ${what}: ${got.toFixed(2)}, exact ${expected.toFixed(2)}, off ${(error * 100).toFixed(2)} %`,
      );
    }
  }
}

function recordsOf(index, nowMs) {
  const { durationMs, timeToFirstTokenMs, tokens } = latencies[index % latencies.length];
  // Every pair has its turn; one prime step each, so that latencies and pairs do not go in step.
  const pair = (index * 7_919) % (SURFACES * DEPLOYMENTS);
  const deployment = pair % DEPLOYMENTS;
  const labels = {
    deployment: `provider-${deployment % 5}/model-${deployment}`,
    model: `model-${deployment}`,
    provider: `provider-${deployment % 5}`,
    decisionId: `dec_${index}`,
    surface: `surface-${Math.floor(pair / DEPLOYMENTS)}`,
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: true,
  };
  const usage = {
    promptTokens: 900,
    completionTokens: tokens,
    cachedTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  };
  const shared = {
    ...labels,
    startedAtMs: nowMs - durationMs,
    durationMs,
    timeToFirstTokenMs,
    outcome: 'succeeded',
    usage,
    costUsd: 0.0012,
  };
  return {
    attempt: {
      ...shared,
      attempt: 1,
      tier: 'primary',
      errorKind: undefined,
      status: 200,
      providerCode: undefined,
      retryAfterMs: undefined,
      usageSource: 'reported',
      reportedModel: undefined,
    },
    request: {
      ...shared,
      durationMs: durationMs + 2,
      timeToFirstTokenMs: timeToFirstTokenMs + 2,
      errorCode: undefined,
      attempts: 1,
      servedBy: { ...labels, tier: 'primary' },
      policyHash: 'p',
    },
  };
}

function usedBytes() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function median(values) {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}

/** The longest that others waited while a question was answered. */
async function longestTurn(store, query) {
  // Nothing is known of the answer.
  store.follow({ tenants: 20 });
  let longestMs = 0;
  let isOver = false;
  let lastAt = performance.now();
  const look = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastAt);
    lastAt = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await store.queryInTurns(query);
  isOver = true;
  return Math.max(longestMs, performance.now() - lastAt);
}

async function liveADay(perSecond) {
  let nowMs = 1_700_000_000_000;
  const bus = new TelemetryBus();
  const before = usedBytes();
  const store = new KpiStore(bus, { now: () => nowMs });
  const requests = Math.round((DAY_MS / 1_000) * perSecond);
  let longestMs = 0;
  for (let index = 0; index < requests; index += 1) {
    nowMs = 1_700_000_000_000 + Math.floor((index / perSecond) * 1_000);
    const { attempt, request } = recordsOf(index, nowMs);
    const startedAt = performance.now();
    bus.emit('attempt-ended', attempt);
    bus.emit('request-ended', request);
    longestMs = Math.max(longestMs, performance.now() - startedAt);
  }
  const usedMb = (usedBytes() - before) / 1e6;
  const { cells, slices, packedBytes } = store.size;
  goal(
    usedMb < 40,
    `memory after a day of ${perSecond} requests a second at ${DEPLOYMENTS} deployments x ${SURFACES} surfaces: ${usedMb.toFixed(1)} MB ` +
      `(${cells} cells, ${slices} slices, ${(packedBytes / 1e6).toFixed(1)} MB of them packed); goal < 40 MB`,
  );
  console.log(
    `     longest single record (it turns the slice and joins older ones): ${longestMs.toFixed(1)} ms`,
  );
  for (const query of [
    { window: '5m', by: ['model'] },
    { window: '1h', by: ['surface', 'model'] },
    { window: '24h', by: ['surface', 'model'] },
    { window: '24h', by: ['model'], step: '15m' },
    { window: 'start', by: ['surface', 'model'] },
  ]) {
    const times = Array.from({ length: 5 }, () => {
      store.follow({ tenants: 20 });
      const startedAt = performance.now();
      store.query(query);
      return performance.now() - startedAt;
    });
    console.log(
      `     query ${JSON.stringify(query)}: ${median(times).toFixed(1)} ms (median of 5), in turns of ${(await longestTurn(store, query)).toFixed(1)} ms at most`,
    );
  }
  const { total } = store.query({ window: '24h' });
  const expected = exact(
    Array.from({ length: requests }, (_, index) => latencies[index % latencies.length].durationMs + 2).sort(
      (a, b) => a - b,
    ),
    95,
  );
  const error = Math.abs(total.latencyMs.p95 / expected - 1);
  goal(
    error <= 0.01 || total.requests !== requests,
    `p95 of that day: ${total.latencyMs.p95.toFixed(1)} ms, exact ${expected.toFixed(1)} ms; ${total.requests} of ${requests} requests in the window`,
  );
}

function timeRecording() {
  const bus = new TelemetryBus();
  const store = new KpiStore(bus);
  const records = Array.from({ length: 4_000 }, (_, index) => recordsOf(index, Date.now()));
  const round = (name, of) => {
    const startedAt = process.cpuUsage();
    for (const each of records) bus.emit(name, of(each));
    const { user, system } = process.cpuUsage(startedAt);
    return (user + system) / records.length;
  };
  for (let warm = 0; warm < 5; warm += 1) {
    round('attempt-ended', ({ attempt }) => attempt);
    round('request-ended', ({ request }) => request);
  }
  const attemptUs = median(
    Array.from({ length: 15 }, () => round('attempt-ended', ({ attempt }) => attempt)),
  );
  const requestUs = median(
    Array.from({ length: 15 }, () => round('request-ended', ({ request }) => request)),
  );
  goal(
    attemptUs < 5,
    `recording an attempt: ${attemptUs.toFixed(2)} us of processor time (median of 15 x 4,000); goal < 5 us`,
  );
  console.log(`     recording a request: ${requestUs.toFixed(2)} us; ${store.size.cells} cells`);
}

checkPercentiles();
console.log('\nRecording');
timeRecording();
console.log('\nMemory');
liveADay(PER_SECOND);
process.exitCode = failed ? 1 : 0;
