import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import OpenAI from 'openai';
import {
  checkLlmRouterOptions,
  type Decision,
  type DecisionReport,
  type LlmRouterOptions,
  RouterService,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { runCli } from '../lib/cli/run-cli.js';
import type { ReplayReport } from '../lib/replay/index.js';
import { createFaultBench, type FaultBench, readAll, whenBegun } from './support/fault-bench.js';
import { expectErrorResponse } from './support/openai-error.js';
import { PLATFORMS } from './support/router-app.js';

/** All that must be nowhere begins alike. */
const CANARY = /canary/i;
const QUESTION = { messages: [{ role: 'user' as const, content: 'What is the canaryprompt of the safe?' }] };
const MANY = 50;
/** Calls from which a p95 is known. */
const KNOWN_AFTER = 12;

type Query = Record<string, string>;

describe.each(PLATFORMS)('decisions, on %s', (platform) => {
  let directory: string;
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;
  let bench: FaultBench;
  let shown: string[];

  const file = (): string => join(directory, 'requests.jsonl');
  const options = (extra: LlmRouterOptions = {}): LlmRouterOptions => ({
    providers: {
      one: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'CanaryKeyOne' },
      two: { api: 'openai', baseUrl: second.baseUrl, apiKey: 'CanaryKeyTwo' },
    },
    models: {
      quick: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 }, quality: 0.5 },
      spare: { provider: 'two', price: { inputPer1M: 3, outputPer1M: 4 }, quality: 0.8 },
    },
    routingRules: { simple_queries: { primary: 'quick', fallback: 'spare', maxLatencyMs: 30_000 } },
    surfaces: { chat: {}, fine: { qualityFloor: 0.7 }, legal: { pin: 'spare', provenance: true } },
    requestLog: { file: file() },
    ...extra,
  });

  async function open(extra: LlmRouterOptions = {}): Promise<void> {
    bench = await createFaultBench({ platform, options: options(extra) });
  }

  const get = async (path: string, headers: Query = {}): Promise<Response> => {
    const response = await bench.fetch(path, { headers });
    shown.push(await response.clone().text());
    return response;
  };
  const decision = async (id: string | null, headers: Query = {}): Promise<Decision> => {
    const response = await get(`/router/decisions/${id}`, headers);
    expect(response.status).toBe(200);
    return (await response.json()) as Decision;
  };
  const list = async (query: Query = {}): Promise<DecisionReport> => {
    const response = await get(`/router/decisions?${new URLSearchParams(query).toString()}`);
    expect(response.status).toBe(200);
    return (await response.json()) as DecisionReport;
  };
  const ask = (headers: Query = {}, body: object = {}): Promise<Response> =>
    bench.postJson('/v1/chat/completions', { model: 'auto', ...QUESTION, ...body }, headers);

  /** What the records say, in the words of a decision. */
  function expectAsRecorded(found: Decision): void {
    const record = bench.requests.find(({ decisionId }) => decisionId === found.decisionId);
    const attempts = bench.attempts.filter(({ decisionId }) => decisionId === found.decisionId);
    expect(found).toMatchObject({
      surface: record?.surface,
      requestClass: record?.requestClass,
      outcome: record?.outcome,
      errorCode: record?.errorCode ?? null,
      costUsd: record?.costUsd,
      usage: record?.usage,
      durationMs: record?.durationMs,
      servedBy: record?.servedBy ?? null,
      policyHash: bench.engine.runtime.policy.hash,
    });
    expect(
      found.attempts.map(({ deployment, outcome, costUsd }) => ({ deployment, outcome, costUsd })),
    ).toEqual(attempts.map(({ deployment, outcome, costUsd }) => ({ deployment, outcome, costUsd })));
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'decisions-'));
    const reply = () => ({ text: 'Under the canarymat.', usage: { promptTokens: 40, completionTokens: 12 } });
    [first, second] = await Promise.all([
      createScriptedUpstream({ api: 'openai', reply }),
      createScriptedUpstream({ api: 'openai', reply }),
    ]);
    shown = [];
  });

  afterEach(async () => {
    await bench.close();
    await Promise.all([first.close(), second.close()]);
    const text = await readFile(file(), 'utf8').catch(() => '');
    expect([...shown, text].join('\n')).not.toMatch(CANARY);
    await rm(directory, { recursive: true });
  });

  it('say of an answer what its headers, its records and explain say', async () => {
    await open();
    const { response } = await bench.client.chat.completions
      .create({ model: 'quick', ...QUESTION }, { headers: { 'x-llm-surface': 'chat' } })
      .withResponse();
    const found = await decision(response.headers.get('x-llm-decision-id'));
    expectAsRecorded(found);
    expect(found).toMatchObject({
      surface: 'chat',
      workload: 'interactive',
      tenant: null,
      requestedModel: 'quick',
      streamed: false,
      outcome: 'succeeded',
      requestClass: response.headers.get('x-llm-class'),
      costUsd: Number(response.headers.get('x-llm-cost-usd')),
      servedBy: {
        model: response.headers.get('x-llm-model'),
        provider: response.headers.get('x-llm-provider'),
        tier: response.headers.get('x-llm-tier'),
      },
      attempts: [
        { attempt: 1, reportedModel: 'quick', hedge: false, forClass: false, usageSource: 'reported' },
      ],
      observed: null,
      feedback: null,
    });
    // Answers are looked at once their callers have them.
    await expect
      .poll(async () => (await decision(response.headers.get('x-llm-decision-id'))).evaluation)
      .toEqual({ faults: [], score: 1 });
    const explained: unknown = await (
      await bench.postJson('/router/explain', { model: 'quick', ...QUESTION }, { 'x-llm-surface': 'chat' })
    ).json();
    const { classification, rule, features, rejected } = found.explanation!;
    expect(explained).toMatchObject({ classification, rule, features, rejected });
    expect(found.explanation!.plan.attempts.map(({ deployment }) => deployment)).toEqual([
      'one/quick',
      'two/spare',
    ]);
    expect(bench.app.get(RouterService).decision(found.decisionId)).toEqual(found);
  });

  it('say why a candidate was left out, and what a fallback took over', async () => {
    await open();
    const fine = await ask({ 'x-llm-surface': 'fine' });
    const strict = await decision(fine.headers.get('x-llm-decision-id'));
    expect(strict.explanation?.rejected).toMatchObject([
      { deployment: 'one/quick', reason: 'quality_floor' },
    ]);
    first.failNext({ kind: 'status', status: 500 });
    const answer = await ask();
    const found = await decision(answer.headers.get('x-llm-decision-id'));
    expectAsRecorded(found);
    expect(found).toMatchObject({
      fellBack: true,
      servedBy: { deployment: 'two/spare' },
      attempts: [
        {
          deployment: 'one/quick',
          outcome: 'failed',
          errorKind: 'server_error',
          status: 500,
          reportedModel: null,
        },
        { deployment: 'two/spare', outcome: 'succeeded' },
      ],
    });
  });

  it('are there of what was refused, whether by us before a plan, by the plan, or by all providers', async () => {
    await open({
      models: {
        ...options().models,
        plain: { provider: 'one', capabilities: ['streaming'] },
        tiny: { provider: 'one', contextWindow: 100 },
      },
      surfaces: { ...options().surfaces, plain: { pin: 'plain' }, tiny: { pin: 'tiny' } },
    });
    const ids: Record<string, string | null> = {};
    const idOf = async (sent: Promise<Response>): Promise<string | null> => {
      const response = await sent;
      await response.text();
      return response.headers.get('x-llm-decision-id') ?? response.headers.get('x-request-id');
    };
    ids.invalid = await idOf(ask({}, { messages: 'none' }));
    const tools = [{ type: 'function', function: { name: 'canarytool', parameters: { type: 'object' } } }];
    ids.ineligible = await idOf(ask({ 'x-llm-surface': 'plain' }, { tools }));
    const long = [{ role: 'user', content: 'canaryword '.repeat(1_000) }];
    ids.tooLong = await idOf(ask({ 'x-llm-surface': 'tiny' }, { messages: long }));
    expect(first.requestCount + second.requestCount).toBe(0);
    first.failAlways({ kind: 'status', status: 500 });
    second.failAlways({ kind: 'status', status: 500 });
    ids.failed = await idOf(ask());
    await Promise.all([first.heal(), second.heal()]);

    const invalid = await decision(ids.invalid);
    expectAsRecorded(invalid);
    expect(invalid).toMatchObject({
      outcome: 'rejected',
      errorCode: 'invalid_request',
      explanation: null,
      attempts: [],
    });
    for (const [id, surface, errorCode, rejected] of [
      [ids.ineligible, 'plain', 'no_eligible_model', { deployment: 'one/plain', reason: 'capability' }],
      [ids.tooLong, 'tiny', 'context_length_exceeded', { deployment: 'one/tiny', reason: 'context_window' }],
    ] as const) {
      const refused = await decision(id);
      expectAsRecorded(refused);
      expect(refused).toMatchObject({
        surface,
        outcome: 'rejected',
        errorCode,
        servedBy: null,
        attempts: [],
        costUsd: 0,
        explanation: {
          plan: { attempts: [] },
          rejected: expect.arrayContaining([expect.objectContaining(rejected)]) as object[],
        },
      });
    }
    const failed = await decision(ids.failed);
    expectAsRecorded(failed);
    expect(failed).toMatchObject({ outcome: 'failed', errorCode: 'all_attempts_failed', servedBy: null });
    expect(failed.attempts.length).toBeGreaterThan(1);
    const { decisions } = await list({ outcome: 'failed' });
    expect(decisions.map(({ decisionId }) => decisionId)).toEqual([ids.failed]);
  });

  it('show what runs, what was shed meanwhile, and that a client left', async () => {
    await open({ limits: { requestsInFlight: 1 } });
    first.failNext({ kind: 'stalled', after: 'first_token' });
    const leave = new AbortController();
    const begun = whenBegun(bench.engine, 1);
    const stream = await bench.client.chat.completions.create(
      { model: 'auto', stream: true, ...QUESTION },
      { signal: leave.signal },
    );
    await begun;
    const { running, decisions } = await list();
    expect(running).toBe(1);
    expect(decisions).toMatchObject([
      {
        outcome: 'running',
        streamed: true,
        durationMs: null,
        servedBy: null,
        requestClass: 'simple_queries',
      },
    ]);
    const { decisionId: id } = decisions[0]!;
    expect((await decision(id)).explanation?.plan.attempts).toHaveLength(2);
    const shed = await ask();
    expect(shed.status).toBe(503);
    expect((await list({ outcome: 'shed' })).decisions).toMatchObject([
      { errorCode: 'overloaded', attempts: 0 },
    ]);
    leave.abort();
    // The client's loop ends without a word.
    await readAll(stream);
    await bench.whenEnded(2);
    const left = await decision(id);
    expectAsRecorded(left);
    expect(left).toMatchObject({
      outcome: 'client_left',
      attempts: [{ outcome: 'client_left', usageSource: 'estimated' }],
    });
  });

  it('are there of a stream to its end, of vectors and of enqueued work', async () => {
    await open({
      models: {
        ...options().models,
        vectors: {
          provider: 'one',
          upstreamModel: 'v',
          capabilities: ['embeddings'],
          price: { inputPer1M: 1, outputPer1M: 0 },
        },
      },
    });
    const router = bench.app.get(RouterService);
    const { data: stream, response } = await bench.client.chat.completions
      .create({ model: 'auto', stream: true, ...QUESTION })
      .withResponse();
    await readAll(stream);
    const streamed = await decision(response.headers.get('x-llm-decision-id'));
    expectAsRecorded(streamed);
    expect(streamed).toMatchObject({ streamed: true, outcome: 'succeeded', usage: { completionTokens: 12 } });
    expect(streamed.timeToFirstTokenMs).toBeGreaterThan(0);

    const enqueued = await router.enqueue(QUESTION, { surface: 'chat', tenant: 'acme' });
    const background = await decision(enqueued.routing.decisionId);
    expectAsRecorded(background);
    expect(background).toMatchObject({ workload: 'background', tenant: 'acme', outcome: 'succeeded' });

    const { routing } = await router.embed(
      { model: 'vectors', input: ['the canaryprompt', 'another'] },
      { surface: 'chat', tenant: 'acme' },
    );
    const embedded = await decision(routing.decisionId);
    expectAsRecorded(embedded);
    expect(embedded).toMatchObject({
      surface: 'chat',
      tenant: 'acme',
      requestedModel: 'vectors',
      requestClass: 'embeddings',
      streamed: false,
      outcome: 'succeeded',
      servedBy: { deployment: 'one/vectors' },
      attempts: [{ outcome: 'succeeded', reportedModel: 'v', usageSource: 'reported' }],
      explanation: { plan: { attempts: [{ deployment: 'one/vectors' }] } },
    });
    expect(embedded.usage.promptTokens).toBeGreaterThan(0);
    expect(embedded.usage.completionTokens).toBe(0);
  });

  it('show both copies of a request, the one that served and the one that lost', async () => {
    await open({
      routingRules: {
        simple_queries: {
          tiers: [
            { models: 'quick', targetLatencyMs: 5_000 },
            { models: 'spare', targetLatencyMs: 5_000 },
          ],
        },
      },
      surfaces: { ...options().surfaces, chat: { latencySloMs: 5_000 } },
      execution: { hedge: { enabled: true, maxShare: 1 } },
    });
    // Until it is known how long it usually takes.
    for (let count = 0; count < KNOWN_AFTER; count += 1) await ask({ 'x-llm-surface': 'chat' });
    first.failNext({ kind: 'stalled' });
    const answer = await ask({ 'x-llm-surface': 'chat' });
    expect(answer.status).toBe(200);
    const found = await decision(answer.headers.get('x-llm-decision-id'));
    expectAsRecorded(found);
    expect(found).toMatchObject({
      hedged: true,
      outcome: 'succeeded',
      servedBy: { deployment: 'two/spare' },
    });
    expect(found.costUsd).toBeCloseTo(Number(answer.headers.get('x-llm-cost-usd')), 9);
    expect(found.attempts.toSorted((one, two) => one.attempt - two.attempt)).toMatchObject([
      { attempt: 1, deployment: 'one/quick', outcome: 'hedge_lost', hedge: false, errorKind: null },
      { attempt: 2, deployment: 'two/spare', outcome: 'succeeded', hedge: true },
    ]);
    const listed = (await list({ limit: '1' })).decisions;
    expect(listed).toMatchObject([{ decisionId: found.decisionId, hedged: true, attempts: 2 }]);
  });

  it('show what routing would have done while it is only observed', async () => {
    await open({ mode: 'observe', baseline: 'spare', surfaces: { chat: {} } });
    const answer = await ask({ 'x-llm-surface': 'chat' });
    const found = await decision(answer.headers.get('x-llm-decision-id'));
    expectAsRecorded(found);
    expect(found.servedBy?.deployment).toBe('two/spare');
    expect(found.explanation?.plan.attempts).toMatchObject([{ deployment: 'two/spare' }]);
    expect(found.observed?.explanation?.plan.attempts[0]).toMatchObject({ deployment: 'one/quick' });
    expect(found.observed?.result).toEqual(bench.requests[0]?.observed);
  });

  it('are filtered and bounded, the latest first', async () => {
    await open({ observability: { decisions: { keep: 10 } } });
    const router = bench.app.get(RouterService);
    for (let index = 0; index < 14; index += 1) {
      await router.chat(QUESTION, { surface: index % 2 === 0 ? 'chat' : 'fine', tenant: `t${index % 3}` });
    }
    const all = await list();
    expect(all).toMatchObject({
      keep: 10,
      kept: 10,
      running: 0,
      requestLog: { isWritable: true, missing: 0 },
    });
    expect(all.decisions.map(({ decisionId }) => decisionId)).toEqual(
      bench.requests
        .slice(4)
        .map(({ decisionId }) => decisionId)
        .reverse(),
    );
    const count = async (query: Query): Promise<number> => (await list(query)).decisions.length;
    expect(await count({ surface: 'fine' })).toBe(5);
    expect(await count({ model: 'spare' })).toBe(5);
    expect(await count({ provider: 'one' })).toBe(5);
    expect(await count({ deployment: 'one/quick', surface: 'fine' })).toBe(0);
    expect(await count({ class: 'simple_queries', outcome: 'succeeded' })).toBe(10);
    expect(await count({ class: 'other' })).toBe(0);
    expect(await count({ tenant: 't1', limit: '2' })).toBe(2);
    const third = all.decisions[2]!.startedAt;
    expect(await count({ since: third })).toBeGreaterThanOrEqual(3);
    expect(await count({ since: String(Date.now() + 60_000) })).toBe(0);
    expect(router.decisions({ surface: 'fine', limit: 3 }).decisions).toHaveLength(3);
    for (const [query, param] of [
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['since=yesterday', 'since'],
      ['since=1', undefined],
      ['outcome=good', 'outcome'],
      ['surface=', 'surface'],
      ['sruface=chat', 'sruface'],
    ] as const) {
      const response = await get(`/router/decisions?${query}`);
      if (param === undefined) expect(response.status).toBe(200);
      else await expectErrorResponse(response, { status: 400, code: 'invalid_request', param });
    }
    const unknown = { status: 404, code: 'not_found' };
    await expectErrorResponse(await get('/router/decisions/dec_0'), unknown);
    await expectErrorResponse(await get(`/router/decisions/${bench.requests[0]?.decisionId}`), unknown);
    expect(router.decision('__proto__')).toBeUndefined();
  });

  it('belong to their tenant', async () => {
    const key = (name: string): Query => ({ authorization: `Bearer CanaryRouter${name}` });
    await open({
      http: {
        apiKeys: [
          { key: 'CanaryRouterAcme', tenant: 'acme', surfaces: ['chat', 'fine'] },
          { key: 'CanaryRouterAcmeChat', tenant: 'acme', surfaces: ['chat'] },
          { key: 'CanaryRouterOther', tenant: 'other' },
          { key: 'CanaryRouterPlain' },
          { key: 'CanaryRouterAdmin', admin: true },
        ],
      },
    });
    const id = (await ask({ ...key('Acme'), 'x-llm-surface': 'fine' })).headers.get('x-llm-decision-id');
    expect(await decision(id, key('Acme'))).toMatchObject({ tenant: 'acme', surface: 'fine' });
    expect(await decision(id, key('Admin'))).toMatchObject({ tenant: 'acme' });
    const path = `/router/decisions/${id}`;
    const unknown = { status: 404, code: 'not_found' };
    await expectErrorResponse(await get(path, key('Other')), unknown);
    await expectErrorResponse(await get(path, key('AcmeChat')), unknown);
    await expectErrorResponse(await get(path, key('Plain')), { status: 403, code: 'surface_not_allowed' });
    await expectErrorResponse(await get(path), { status: 401, code: 'invalid_api_key' });
    await expectErrorResponse(await get('/router/decisions', key('Acme')), {
      status: 403,
      code: 'surface_not_allowed',
    });
  });

  it('are in the request log, of a surface with provenance whole, and are replayed to the same counts', async () => {
    await open();
    for (let index = 0; index < MANY; index += 1) {
      if (index % 10 === 3) first.failNext({ kind: 'status', status: 500 });
      await ask(
        { 'x-llm-surface': index % 5 === 0 ? 'legal' : 'chat' },
        { model: index % 4 === 1 ? 'spare' : 'auto' },
      );
    }
    await ask({ 'x-llm-surface': 'legal' }, { messages: [] });
    await bench.engine.drain();
    const recorded = bench.requests.filter(({ outcome }) => outcome === 'succeeded');
    await bench.close();

    const text = await readFile(file(), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(MANY + 1);
    const [legal, wish] = lines;
    expect(legal).toMatchObject({
      v: 2,
      surface: 'legal',
      policyHash: bench.engine.runtime.policy.hash,
      decision: { planned: ['two/spare'], inputTokens: expect.any(Number) as number },
      explanation: {
        surface: 'legal',
        plan: { attempts: [{ deployment: 'two/spare' }] },
        policyHash: bench.engine.runtime.policy.hash,
      },
      calls: [{ reportedModel: 'spare' }],
    });
    expect(wish).toMatchObject({
      surface: 'chat',
      decision: {
        requestedModel: 'spare',
        score: expect.any(Number) as number,
        rule: 'simple_queries',
        rejected: {},
      },
    });
    expect(wish).not.toHaveProperty('explanation');

    const config = join(directory, 'router.json');
    await writeFile(config, JSON.stringify(options()));
    // As the version before wrote them.
    const old = join(directory, 'old.jsonl');
    await writeFile(
      old,
      lines.map(({ decision: _d, explanation: _e, ...line }) => JSON.stringify({ ...line, v: 1 })).join('\n'),
    );
    for (const trace of [file(), old]) {
      let out = '';
      const io = {
        stdout: { write: (part: string) => (out += part) },
        stderr: { write: () => true },
        environment: {},
      };
      expect(await runCli(['replay', '--config', config, '--trace', trace, '--json'], io)).toBe(0);
      const { report } = JSON.parse(out) as { report: ReplayReport };
      expect(report).toMatchObject({ requests: MANY, succeeded: recorded.length });
      expect(report.surfaces.legal?.requests).toBe(
        recorded.filter(({ surface }) => surface === 'legal').length,
      );
    }
  });

  it('of a surface with provenance wait for a disk that fails, and are told of', async () => {
    await writeFile(join(directory, 'file'), '');
    const broken = join(directory, 'file', 'requests.jsonl');
    await open({ requestLog: { file: broken } });
    await ask({ 'x-llm-surface': 'legal' });
    await ask({ 'x-llm-surface': 'chat' });
    await expect
      .poll(async () => (await list()) as DecisionReport & { requestLog: object }, { timeout: 10_000 })
      .toMatchObject({ requestLog: { isWritable: false, waiting: 1, missing: 1, missingProvenance: 0 } });
    // The disk is well again.
    await rm(join(directory, 'file'));
    await expect
      .poll(async () => (await list()) as DecisionReport & { requestLog: object }, { timeout: 10_000 })
      .toMatchObject({ requestLog: { isWritable: true, waiting: 0, written: 1, missing: 1 } });
    expect(await readFile(broken, 'utf8')).toMatch(/"surface":"legal"/);
  });

  it('stop the boot where provenance is wanted and nothing is written', async () => {
    await open();
    const { requestLog: _requestLog, ...without } = options();
    expect(() => checkLlmRouterOptions(without)).toThrow(
      /surfaces\.legal\.provenance: .*add `requestLog: \{ file: "/,
    );
    expect(() =>
      checkLlmRouterOptions({ ...without, surfaces: { legal: { provenance: false } } }),
    ).not.toThrow();
  });

  it('are not kept where none are wanted', async () => {
    await open({ observability: { decisions: { keep: 0 } } });
    const client = new OpenAI({ apiKey: 'any', baseURL: `${bench.url}/v1`, maxRetries: 0 });
    const { response } = await client.chat.completions.create({ model: 'auto', ...QUESTION }).withResponse();
    expect(await list()).toMatchObject({ keep: 0, kept: 0, decisions: [] });
    expect((await get(`/router/decisions/${response.headers.get('x-llm-decision-id')}`)).status).toBe(404);
  });
});
