import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Decision,
  DecisionReport,
  KpiFigures,
  KpiReport,
  KpiWindowReport,
  SavingsReport,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { type MetricSample, parsePrometheusText } from './support/prometheus-text.js';
import { PLATFORMS } from './support/router-app.js';
import { msOf, setUpOpenTelemetry, type TraceBench } from './support/trace-bench.js';

/** How long the stream is. In the suite 3 s; `LONG_STREAM_MS=30000` makes it the half minute of a long answer. */
const STREAM_MS = Number(process.env.LONG_STREAM_MS ?? 3_000);
const FIRST_TOKEN_MS = 200;
/** What the provider reports: other figures than anyone would estimate. */
const USAGE = { promptTokens: 321, completionTokens: 1_234, cachedTokens: 21 };
const PRICE = { inputPer1M: 100, outputPer1M: 1_000, cachedInputPer1M: 10 };
const COST_USD = (300 * 100 + 21 * 10 + 1_234 * 1_000) / 1e6;
/** The same duration everywhere: the KPIs' histograms are as precise as that. */
const PRECISION = 0.01;
/**
 * The first request of a process on a busy machine is on its way for that long before it is counted, before it is sent on, or
 * after its end.
 */
const OVERHEAD_MS = 250;

const DIMENSIONS = ['surface', 'provider', 'model', 'deployment', 'tier', 'class', 'tenant', 'workload'];
const WINDOWS = ['1m', '5m', '1h', '24h', 'start'];

function expectClose(what: string, actual: number | undefined, expected: number, share = PRECISION): void {
  expect({ what, off: Math.abs((actual ?? 0) / expected - 1) <= share ? 0 : { actual, expected } }).toEqual({
    what,
    off: 0,
  });
}

describe.each(PLATFORMS)(
  `a stream of ${STREAM_MS} ms, on %s`,
  (platform) => {
    let directory: string;
    let upstream: ScriptedUpstream;
    let bench: FaultBench;
    let tracing: TraceBench;
    let isOpen = true;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'long-stream-'));
      tracing = setUpOpenTelemetry();
      const tokensPerSecond = USAGE.completionTokens / ((STREAM_MS - FIRST_TOKEN_MS) / 1_000);
      upstream = await createScriptedUpstream({
        api: 'openai',
        latency: { timeToFirstTokenMs: FIRST_TOKEN_MS, tokensPerSecond },
        reply: () => ({ text: 'word '.repeat(60), usage: USAGE }),
      });
      bench = await createFaultBench({
        platform,
        options: {
          providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'key' } },
          models: { alpha: { provider: 'one', price: PRICE } },
          routingRules: { simple_queries: { primary: 'alpha', maxLatencyMs: 30_000 } },
          surfaces: { chat: { latencySloMs: 30_000 } },
          baseline: 'alpha',
          requestLog: { file: join(directory, 'requests.jsonl') },
        },
      });
    });

    afterAll(async () => {
      if (isOpen) await bench.close();
      await tracing.close();
      await upstream.close();
      await rm(directory, { recursive: true });
    });

    async function read<Answer>(path: string): Promise<Answer> {
      const response = await bench.fetch(path);
      expect([path, response.status]).toEqual([path, 200]);
      return (await response.json()) as Answer;
    }

    async function metrics(): Promise<(name: string, labels?: object) => number> {
      const { samples } = parsePrometheusText(await (await bench.fetch('/metrics')).text());
      const matches = (sample: MetricSample, labels: object): boolean =>
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value);
      return (name, labels = {}) =>
        samples
          .filter((sample) => sample.name === name && matches(sample, labels))
          .reduce((sum, { value }) => sum + value, 0);
    }

    /** The figures of each window, in all and of the only row by each dimension. */
    async function everyKpi(): Promise<[string, KpiFigures][]> {
      const found: [string, KpiFigures][] = [];
      for (const window of WINDOWS) {
        for (const by of ['', ...DIMENSIONS, 'surface,model']) {
          const query = by === '' ? '' : `&by=${by}`;
          const { total, rows } = await read<KpiWindowReport>(`/router/kpis?window=${window}${query}`);
          found.push(
            [`${window} total`, total],
            ...rows.map((row) => [`${window} ${by}`, row] as [string, KpiFigures]),
          );
          if (by !== '') expect([by, rows.length]).toEqual([by, 1]);
        }
      }
      return found;
    }

    async function open(signal?: AbortSignal): Promise<{ id: string; bytes: AsyncIterator<Uint8Array> }> {
      const response = await bench.fetch('/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-llm-surface': 'chat', 'x-llm-tenant': 'acme' },
        body: JSON.stringify({
          model: 'auto',
          stream: true,
          messages: [{ role: 'user', content: 'Tell a long story' }],
        }),
        ...(signal === undefined ? {} : { signal }),
      });
      const bytes = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
      await bytes.next();
      return { id: response.headers.get('x-llm-decision-id') ?? '', bytes };
    }

    it('is shown as running, and counted once at its end: true duration, tokens and cost', async () => {
      const startedAt = performance.now();
      const { id, bytes } = await open();
      const [kpis, running, list, meanwhile, savings] = await Promise.all([
        read<KpiWindowReport>('/router/kpis?window=5m'),
        read<Decision>(`/router/decisions/${id}`),
        read<DecisionReport>('/router/decisions'),
        metrics(),
        read<SavingsReport>('/router/savings'),
      ]);
      expect(kpis.total).toMatchObject({ requests: 0, inFlight: 1, costUsd: 0, latencyMs: null });
      expect(kpis.total.attempts.total).toBe(0);
      expect(running).toMatchObject({ outcome: 'running', durationMs: null, costUsd: 0, attempts: [] });
      expect(list).toMatchObject({ running: 1, kept: 0 });
      expect(meanwhile('llm_router_requests_in_flight')).toBe(1);
      expect(meanwhile('llm_router_attempts_in_flight')).toBe(1);
      for (const name of [
        'llm_router_requests_total',
        'llm_router_attempts_total',
        'llm_router_cost_usd_total',
      ]) {
        expect([name, meanwhile(name)]).toEqual([name, 0]);
      }
      expect(savings).toMatchObject({ requests: 0, calls: 0, spentUsd: 0 });
      expect(tracing.spans()).toEqual([]);
      expect(await readFile(join(directory, 'requests.jsonl'), 'utf8').catch(() => '')).toBe('');

      while ((await bytes.next()).done !== true);
      const seenMs = performance.now() - startedAt;
      await bench.whenEnded(1);

      expect(bench.requests).toHaveLength(1);
      expect(bench.attempts).toHaveLength(1);
      const record = bench.requests[0]!;
      const { durationMs } = record;
      expect(durationMs).toBeGreaterThanOrEqual(STREAM_MS * 0.95);
      expect(durationMs).toBeLessThanOrEqual(seenMs);
      expect(seenMs - durationMs).toBeLessThan(OVERHEAD_MS);
      expect(record.costUsd).toBeCloseTo(COST_USD, 12);
      // The call that it made, which is all but what the router does itself.
      const callMs = bench.attempts[0]!.durationMs;
      expect(callMs).toBeLessThanOrEqual(durationMs);
      expect(durationMs - callMs).toBeLessThan(OVERHEAD_MS);

      for (const [where, figures] of await everyKpi()) {
        expect([where, figures]).toMatchObject([
          where,
          {
            requests: 1,
            succeeded: 1,
            errors: 0,
            attempts: { total: 1, succeeded: 1 },
            tokens: USAGE,
            latencyMs: { count: 1 },
          },
        ]);
        expectClose(where, figures.latencyMs?.p50, durationMs);
        expectClose(where, figures.latencyMs?.p99, durationMs);
        expectClose(where, figures.attempts.latencyMs?.p50, callMs);
        expect(figures.costUsd).toBeCloseTo(COST_USD, 9);
        expect(figures.inFlight ?? 0).toBe(0);
      }
      const { total } = await read<KpiReport>('/router/kpis');
      expect(total).toMatchObject({ requests: 1 });

      const counted = await metrics();
      for (const name of [
        'llm_router_requests_total',
        'llm_router_attempts_total',
        'gen_ai_client_operation_duration_seconds_count',
        'gen_ai_server_request_duration_seconds_count',
        'gen_ai_client_time_to_first_token_seconds_count',
      ]) {
        expect([name, counted(name)]).toEqual([name, 1]);
      }
      expect(counted('llm_router_requests_total', { outcome: 'succeeded', surface: 'chat' })).toBe(1);
      expect(counted('llm_router_requests_in_flight')).toBe(0);
      expect(counted('llm_router_attempts_in_flight')).toBe(0);
      const tokensOf = (type: string): number =>
        counted('gen_ai_client_token_usage_total', { gen_ai_token_type: type });
      expect([tokensOf('input'), tokensOf('output'), tokensOf('cached_input')]).toEqual([321, 1_234, 21]);
      expect(counted('llm_router_cost_usd_total')).toBeCloseTo(COST_USD, 9);
      const secondsOf = (name: string): number => counted(`${name}_duration_seconds_sum`);
      expectClose('metric of the request', secondsOf('gen_ai_client_operation') * 1_000, durationMs);
      expectClose('metric of the call', secondsOf('gen_ai_server_request') * 1_000, callMs);

      expect(await read<SavingsReport>('/router/savings')).toMatchObject({
        requests: 1,
        calls: 1,
        answered: 1,
        estimatedCalls: 0,
      });
      const saved = await read<SavingsReport>('/router/savings');
      expect(saved.spentUsd).toBeCloseTo(COST_USD, 9);
      const decision = await read<Decision>(`/router/decisions/${id}`);
      expect(decision).toMatchObject({
        outcome: 'succeeded',
        durationMs,
        usage: USAGE,
        costUsd: record.costUsd,
        attempts: [{ usageSource: 'reported', outcome: 'succeeded' }],
      });
      expect(await read<DecisionReport>('/router/decisions')).toMatchObject({ running: 0, kept: 1 });

      const spans = tracing.spans();
      expect(spans).toHaveLength(2);
      const span = tracing.spanOf(id);
      const [call] = tracing.childrenOf(span);
      expectClose('span of the request', msOf(span.duration), durationMs);
      expectClose('span of the call', msOf(call?.duration ?? [0, 0]), callMs);
      expect(call?.attributes).toMatchObject({
        'gen_ai.usage.input_tokens': 321,
        'gen_ai.usage.output_tokens': 1_234,
      });
      const durations = await tracing.measured('gen_ai.client.operation.duration');
      expect(durations.reduce((sum, { count }) => sum + count, 0)).toBe(1);
      expectClose('metric of OpenTelemetry', durations[0]!.sum * 1_000, callMs);
      console.info(
        `${platform}: a stream of ${STREAM_MS} ms took ${durationMs.toFixed(1)} ms by its record, ${seenMs.toFixed(1)} ms as the client saw it, ` +
          `p50 of the KPIs ${total.latencyMs?.p50 ?? 0} ms, ${record.usage.completionTokens} tokens, $${record.costUsd}`,
      );
    });

    it('whose client leaves is counted once, as that: no error, no sample of time, its cost an estimate', async () => {
      const before = await everyKpi();
      const leave = new AbortController();
      const { id, bytes } = await open(leave.signal);
      await bytes.next();
      leave.abort();
      await bytes.next().catch(() => undefined);
      await bench.whenEnded(2);
      await upstream.whenIdle();

      expect(bench.requests).toHaveLength(2);
      expect(bench.attempts).toHaveLength(2);
      const left = bench.requests[1]!;
      expect(left).toMatchObject({ outcome: 'client_left', attempts: 1, decisionId: id });
      expect(bench.attempts[1]).toMatchObject({ outcome: 'client_left', usageSource: 'estimated' });
      // What it had said by then, and what it was asked.
      expect(left.costUsd).toBeGreaterThan(0);
      expect(left.costUsd).toBeLessThan(COST_USD);
      expect(left.durationMs).toBeLessThan(STREAM_MS);

      const after = await everyKpi();
      expect(after).toHaveLength(before.length);
      for (const [index, [where, figures]] of after.entries()) {
        const earlier = before[index]![1];
        expect([where, figures]).toMatchObject([
          where,
          {
            requests: 2,
            succeeded: 1,
            clientLeft: 1,
            errors: 0,
            timeouts: 0,
            errorRate: 0,
            errorsByCode: earlier.errorsByCode,
            attempts: {
              total: 2,
              clientLeft: 1,
              errors: 0,
              errorRate: 0,
              latencyMs: { count: 1 },
            },
            latencyMs: { count: 1 },
            timeToFirstTokenMs: { count: 1 },
          },
        ]);
        // Of the one before, as precise as histograms are.
        expectClose(where, figures.latencyMs?.p99, earlier.latencyMs!.p99);
        expectClose(where, figures.timeToFirstTokenMs?.p99, earlier.timeToFirstTokenMs!.p99);
        expect(figures.costUsd).toBeCloseTo(COST_USD + left.costUsd, 9);
      }
      const counted = await metrics();
      expect(counted('llm_router_requests_total')).toBe(2);
      expect(counted('llm_router_requests_total', { outcome: 'client_left' })).toBe(1);
      expect(counted('llm_router_attempts_total', { outcome: 'client_left', error_type: '' })).toBe(1);
      expect(counted('gen_ai_client_operation_duration_seconds_count')).toBe(1);
      expect(counted('gen_ai_server_request_duration_seconds_count')).toBe(1);
      expect(counted('gen_ai_client_time_to_first_token_seconds_count')).toBe(1);
      expect(counted('llm_router_requests_in_flight')).toBe(0);
      expect(await read<SavingsReport>('/router/savings')).toMatchObject({
        requests: 2,
        calls: 2,
        answered: 1,
        estimatedCalls: 1,
      });
      expect(await read<Decision>(`/router/decisions/${id}`)).toMatchObject({
        outcome: 'client_left',
        durationMs: left.durationMs,
        costUsd: left.costUsd,
        attempts: [{ outcome: 'client_left', errorKind: null, usageSource: 'estimated' }],
      });
      expect(bench.engine.signals.of('one/alpha')).toMatchObject({ samples: 1, inFlight: 0 });
      const span = tracing.spanOf(id);
      expect(span.attributes).toMatchObject({ 'llm_router.outcome': 'client_left' });
      for (const { attributes, status } of [span, ...tracing.childrenOf(span)]) {
        expect(attributes['error.type']).toBeUndefined();
        expect(status.code).toBe(0);
      }
    });

    it('has one line in the request log, and so has the one that was left', async () => {
      await bench.close();
      isOpen = false;
      const lines = (await readFile(join(directory, 'requests.jsonl'), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      const [whole, left] = bench.requests;
      expect(lines).toMatchObject([
        {
          decisionId: whole?.decisionId,
          outcome: 'succeeded',
          durationMs: whole?.durationMs,
          usage: USAGE,
          costUsd: whole?.costUsd,
          calls: [{ usageSource: 'reported' }],
        },
        {
          decisionId: left?.decisionId,
          outcome: 'client_left',
          costUsd: left?.costUsd,
          calls: [{ outcome: 'client_left', usageSource: 'estimated' }],
        },
      ]);
      expect(lines).toHaveLength(2);
    });
  },
  STREAM_MS + 20_000,
);
