import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectGarbage } from '../../test/support/collect-garbage.js';
import { CLASSIFICATION_CLASS, type Plan } from '../planning/index.js';
import { type AttemptRecord, type RequestRecord, TelemetryBus } from '../telemetry/index.js';
import { RequestLog } from './request-log.js';
import type { PlannedRequest } from './request-observer.js';

/** Lines wait a second for others, and the machine may be busy. */
const WAIT = { timeout: 10_000 };

let directory: string;
let bus: TelemetryBus;
let problems: string[];
let log: RequestLog;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'request-log-'));
  bus = new TelemetryBus();
  problems = [];
  log = new RequestLog(bus, (problem) => problems.push(problem));
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

const LABELS = {
  surface: 'chat',
  workload: 'interactive',
  requestClass: 'simple_queries',
  streamed: true,
} as const;
const DEPLOYMENT = { deployment: 'one/a', model: 'a', provider: 'one' };
const USAGE = {
  promptTokens: 10,
  completionTokens: 20,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
};

function attempt(decisionId: string, extra: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    ...LABELS,
    ...DEPLOYMENT,
    decisionId,
    attempt: 1,
    tier: 'primary',
    startedAtMs: 1_000,
    durationMs: 50,
    timeToFirstTokenMs: 20,
    outcome: 'succeeded',
    errorKind: undefined,
    status: undefined,
    providerCode: undefined,
    retryAfterMs: undefined,
    usage: USAGE,
    usageSource: 'reported',
    costUsd: 0.01,
    reportedModel: 'a-2026',
    ...extra,
  };
}

function ended(decisionId: string, extra: Partial<RequestRecord> = {}): RequestRecord {
  return {
    ...LABELS,
    decisionId,
    startedAtMs: 1_000,
    durationMs: 60,
    timeToFirstTokenMs: 30,
    outcome: 'succeeded',
    errorCode: undefined,
    attempts: 1,
    policyHash: 'policy',
    servedBy: { ...DEPLOYMENT, tier: 'primary' },
    usage: USAGE,
    costUsd: 0.01,
    ...extra,
  };
}

function request(decisionId: string): void {
  bus.emit('attempt-ended', attempt(decisionId));
  bus.emit('request-ended', ended(decisionId));
}

/** A request with a plan, and that plan. */
function planned(decisionId: string): Plan {
  const plan = {
    classification: { class: 'simple_queries', score: 0.1 },
    rule: 'chat',
    attempts: [],
    rejected: [],
    surface: { name: 'chat' },
  } as unknown as Plan;
  const features = { inputTokens: 10, capabilities: [] } as unknown as PlannedRequest['features'];
  const labels = { ...LABELS, decisionId };
  log.onPlanned({
    labels,
    plan,
    observed: undefined,
    features,
    requestedModel: undefined,
    policyHash: 'policy',
  });
  request(decisionId);
  return plan;
}

function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function lines(file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(file, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('RequestLog', () => {
  it('writes a line a request, with its calls, into a directory it makes', async () => {
    const file = join(directory, 'deep', 'requests.jsonl');
    log.follow({ file });
    bus.emit('attempt-ended', attempt('d1', { outcome: 'failed', errorKind: 'server_error', status: 500 }));
    bus.emit('attempt-ended', attempt('d2'));
    bus.emit('attempt-ended', attempt('d1', { attempt: 2 }));
    bus.emit('request-ended', ended('d1', { attempts: 2 }));
    bus.emit('request-ended', ended('d2'));
    bus.emit('request-ended', ended('d3', { outcome: 'shed', attempts: 0, servedBy: undefined }));
    await log.close();
    const [first, second, third] = await lines(file);
    expect(first).toMatchObject({ v: 2, ...LABELS, decisionId: 'd1', outcome: 'succeeded', usage: USAGE });
    expect(first?.calls).toEqual([
      {
        ...DEPLOYMENT,
        attempt: 1,
        tier: 'primary',
        startedAtMs: 1_000,
        durationMs: 50,
        timeToFirstTokenMs: 20,
        outcome: 'failed',
        errorKind: 'server_error',
        status: 500,
        usage: USAGE,
        usageSource: 'reported',
        costUsd: 0.01,
        reportedModel: 'a-2026',
      },
      expect.objectContaining({ attempt: 2, outcome: 'succeeded' }),
    ]);
    expect(second).toMatchObject({ decisionId: 'd2', calls: [{ attempt: 1 }] });
    expect(third).toMatchObject({ decisionId: 'd3', outcome: 'shed', calls: [] });
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(problems).toEqual([]);
  });

  it('says of a call that was made for the class that it was, and of no other', async () => {
    const file = join(directory, 'log.jsonl');
    log.follow({ file });
    bus.emit('attempt-ended', attempt('d1', { requestClass: CLASSIFICATION_CLASS }));
    bus.emit('attempt-ended', attempt('d1', { attempt: 2 }));
    bus.emit('request-ended', ended('d1', { attempts: 2 }));
    await log.close();
    const { calls } = JSON.parse(await readFile(file, 'utf8')) as { calls: AttemptRecord[] };
    expect(calls.map(({ requestClass }) => requestClass)).toEqual([CLASSIFICATION_CLASS, undefined]);
  });

  it('goes on at the end of a file that is there', async () => {
    const file = join(directory, 'requests.jsonl');
    await writeFile(file, '{"earlier":true}\n');
    log.follow({ file });
    request('d1');
    await log.close();
    expect((await lines(file)).map(({ earlier }) => earlier)).toEqual([true, undefined]);
  });

  it('puts a full file aside, and never has more than two of that size', async () => {
    const file = join(directory, 'requests.jsonl');
    const maxBytes = 5_000;
    log.follow({ file, maxBytes });
    for (let index = 0; index < 40; index += 1) request(`d${index}`);
    await log.close();
    const kept = [...(await lines(`${file}.1`)), ...(await lines(file))].map(({ decisionId }) => decisionId);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `d${40 - kept.length + index}`));
    expect(kept.length).toBeGreaterThan(6);
    for (const one of [file, `${file}.1`]) expect((await stat(one)).size).toBeLessThanOrEqual(maxBytes);
  });

  it('says once that it cannot write, and writes again when it can', async () => {
    const blocked = join(directory, 'blocked');
    await writeFile(blocked, 'no directory');
    const file = join(blocked, 'requests.jsonl');
    log.follow({ file });
    for (let index = 0; index < 300; index += 1) request(`d${index}`);
    await expect.poll(() => problems.length, WAIT).toBe(1);
    request('another batch');
    await log.close();
    const told = [
      expect.stringContaining(`${file} cannot be written (`),
      `${file} could not be written, or not in time: 301 requests are missing in it`,
    ];
    expect(problems).toEqual(told);
    await rm(blocked);
    await mkdir(blocked);
    log.follow(undefined);
    log.follow({ file });
    request('later');
    await log.close();
    expect((await lines(file)).map(({ decisionId }) => decisionId)).toEqual(['later']);
    expect(problems).toEqual(told);
  });

  it('goes on in a file that cannot be put aside, and says so once', async () => {
    const file = join(directory, 'requests.jsonl');
    await mkdir(`${file}.1`);
    log.follow({ file, maxBytes: 2_000 });
    for (let index = 0; index < 300; index += 1) request(`d${index}`);
    await expect.poll(() => problems.length, WAIT).toBe(1);
    for (let index = 300; index < 320; index += 1) request(`d${index}`);
    await log.close();
    expect((await lines(file)).map(({ decisionId }) => decisionId)).toEqual(
      Array.from({ length: 320 }, (_, index) => `d${index}`),
    );
    expect(problems).toEqual([expect.stringContaining(`${file} cannot be put aside (`)]);
  });

  it('begins anew where somebody else has moved the file', async () => {
    const file = join(directory, 'requests.jsonl');
    const maxBytes = 250_000;
    log.follow({ file, maxBytes });
    for (let index = 0; index < 256; index += 1) request(`d${index}`);
    const written = 256 * 600;
    await expect.poll(() => sizeOf(file), WAIT).toBeGreaterThan(written / 2);
    const size = await sizeOf(file);
    expect(size).toBeLessThan(maxBytes);
    await rename(file, `${file}.moved`);
    const more = Math.ceil((maxBytes - size) / (size / 256)) + 2;
    expect(more).toBeLessThan(256);
    for (let index = 0; index < more; index += 1) request(`e${index}`);
    await log.close();
    expect((await lines(file)).map(({ decisionId }) => decisionId)).toEqual(
      Array.from({ length: more }, (_, index) => `e${index}`),
    );
    expect(problems).toEqual([]);
  });

  it('glues no line to the half of one', async () => {
    const file = join(directory, 'requests.jsonl');
    await writeFile(file, '{"half":');
    log.follow({ file });
    request('d1');
    await log.close();
    const [half, line, rest] = (await readFile(file, 'utf8')).split('\n');
    expect(half).toBe('{"half":');
    expect(JSON.parse(line ?? '')).toMatchObject({ decisionId: 'd1' });
    expect(rest).toBe('');
  });

  it('holds up no shutdown for a disk that hangs', async () => {
    const file = join(directory, 'pipe');
    // Nobody reads it: to open it for writing hangs.
    execFileSync('mkfifo', [file]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      log.follow({ file });
      request('d1');
      const closed = log.close();
      await vi.advanceTimersByTimeAsync(5_000);
      await closed;
      expect(problems).toEqual([expect.stringContaining('not written within 5 s')]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
      // Lets it go.
      const reader = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
      await log.close();
      await reader.close();
    }
  });

  it('keeps lines instead of plans where the disk does not keep up', async () => {
    const file = join(directory, 'pipe');
    execFileSync('mkfifo', [file]);
    log.follow({ file });
    const plans = Array.from({ length: 2_000 }, (_none, index) => new WeakRef(planned(`d${index}`)));
    // What a turn has held on to is let go of with it.
    await nextTurn();
    collectGarbage();
    const kept = plans.filter((plan) => plan.deref() !== undefined).length;
    const report = log.report();
    // The pipe does not end with each batch while somebody else could write, too.
    const writer = await open(file, constants.O_RDWR);
    const reader = await open(file, constants.O_RDONLY);
    const rules: string[] = [];
    try {
      for await (const line of reader.readLines()) {
        rules.push((JSON.parse(line) as { decision: { rule: string } }).decision.rule);
        if (rules.length === plans.length) await writer.close();
      }
    } finally {
      await log.close();
    }
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(1_024);
    expect(report).toMatchObject({ waiting: 2_000, missing: 0 });
    expect(new Set(rules)).toEqual(new Set(['chat']));
    expect(log.report()).toMatchObject({ written: 2_000, waiting: 0, missing: 0 });
  });

  it('changes its file, and stops where none is wanted', async () => {
    const [first, second] = [join(directory, 'first'), join(directory, 'second')];
    log.follow({ file: first });
    request('d1');
    log.follow({ file: second });
    request('d2');
    log.follow(undefined);
    request('d3');
    await log.close();
    expect((await lines(first)).map(({ decisionId }) => decisionId)).toEqual(['d1']);
    expect((await lines(second)).map(({ decisionId }) => decisionId)).toEqual(['d2']);
  });

  it('does not wait for its shutdown to write', async () => {
    const file = join(directory, 'requests.jsonl');
    log.follow({ file });
    for (let index = 0; index < 256; index += 1) request(`d${index}`);
    await expect.poll(() => sizeOf(file), WAIT).toBeGreaterThan(0);
    expect(await lines(file)).toHaveLength(256);
  });

  it('keeps as many files aside as it is told', async () => {
    const file = join(directory, 'requests.jsonl');
    log.follow({ file, maxBytes: 100, maxFiles: 3 });
    for (let index = 1; index <= 6; index += 1) request(`d${index}`);
    await log.close();
    const ids = async (name: string): Promise<unknown[]> =>
      (await lines(name)).map(({ decisionId }) => decisionId);
    expect(await ids(file)).toEqual(['d6']);
    expect(await ids(`${file}.1`)).toEqual(['d5']);
    expect(await ids(`${file}.2`)).toEqual(['d4']);
    expect(await ids(`${file}.3`)).toEqual(['d3']);
    expect(await sizeOf(`${file}.4`)).toBe(0);
  });

  it('writes later what must not be missing, and drops the rest, with the figures', async () => {
    const blocker = join(directory, 'blocker');
    await writeFile(blocker, '');
    const file = join(blocker, 'requests.jsonl');
    log.follow({ file }, new Set(['legal']));
    const legal = (decisionId: string): void => {
      bus.emit('attempt-ended', attempt(decisionId, { surface: 'legal' }));
      bus.emit('request-ended', ended(decisionId, { surface: 'legal' }));
    };
    legal('d1');
    request('d2');
    await vi.waitFor(() => {
      expect(log.report()).toMatchObject({ isWritable: false, waiting: 1, missing: 1, missingProvenance: 0 });
    }, WAIT);
    legal('d3');
    await rm(blocker);
    await vi.waitFor(() => {
      expect(log.report()).toEqual({
        isWritable: true,
        written: 2,
        waiting: 0,
        missing: 1,
        missingProvenance: 0,
      });
    }, WAIT);
    expect((await lines(file)).map(({ decisionId }) => decisionId)).toEqual(['d1', 'd3']);
    expect(problems).toEqual([
      expect.stringMatching(
        /cannot be written \(ENOTDIR\).*those of surfaces with `provenance` wait/,
      ) as string,
      expect.stringMatching(/1 requests are missing in it$/) as string,
    ]);
  });

  it('says how many were lost that must not be, where the disk stays broken', async () => {
    const blocker = join(directory, 'blocker');
    await writeFile(blocker, '');
    log.follow({ file: join(blocker, 'requests.jsonl') }, new Set(['chat']));
    for (let index = 0; index < 20_005; index += 1) request(`d${index}`);
    expect(problems).toEqual([expect.stringContaining('are lost from now on') as string]);
    await log.close();
    expect(log.report()).toMatchObject({ written: 0, missing: 20_005, missingProvenance: 20_005 });
    expect(problems.at(-1)).toMatch(
      /20005 requests are missing in it, 20005 of them of surfaces with `provenance`$/,
    );
  });
});
