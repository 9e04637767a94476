import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLlmRouterOptions, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { runCli } from '../lib/cli/run-cli.js';
import type { ReplayReport } from '../lib/replay/index.js';
import { LogCollector } from './support/log-collector.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const SECRET = 'sk-of-the-upstream';
const QUESTION = 'What is the password of the safe?';
const ANSWER = 'It is under the mat.';

describe.each(PLATFORMS)('the request log, on %s', (platform) => {
  let directory: string;
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;
  let router: RouterApp | undefined;

  const options = (file: string): LlmRouterOptions => ({
    providers: {
      one: { api: 'openai', baseUrl: first.baseUrl, apiKey: SECRET },
      two: { api: 'openai', baseUrl: second.baseUrl, apiKey: SECRET },
    },
    models: {
      quick: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 } },
      spare: { provider: 'two', price: { inputPer1M: 3, outputPer1M: 4 } },
    },
    routingRules: { simple_queries: { primary: 'quick', fallback: 'spare' } },
    surfaces: { chat: { latencySloMs: 5_000 } },
    requestLog: { file },
  });

  const ask = (app: RouterApp, stream: boolean): Promise<Response> =>
    app.postJson(
      '/v1/chat/completions',
      { model: 'auto', stream, messages: [{ role: 'user', content: QUESTION }] },
      { 'x-llm-surface': 'chat' },
    );

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'request-log-'));
    const reply = () => ({ text: ANSWER, usage: { promptTokens: 40, completionTokens: 12 } });
    first = await createScriptedUpstream({ api: 'openai', reply });
    second = await createScriptedUpstream({ api: 'openai', reply });
  });

  afterEach(async () => {
    await router?.close();
    router = undefined;
    await Promise.all([first.close(), second.close()]);
    await rm(directory, { recursive: true });
  });

  it('is written by a real application, holds no word of it, and is replayed', async () => {
    const file = join(directory, 'requests.jsonl');
    router = await createRouterApp({ platform, options: options(file) });
    for (let index = 0; index < 6; index += 1) await (await ask(router, index % 2 === 0)).text();
    first.failNext({ kind: 'status', status: 500 });
    await (await ask(router, true)).text();
    await (await router.postJson('/v1/chat/completions', { messages: 'none' })).text();
    await router.close();
    router = undefined;

    const text = await readFile(file, 'utf8');
    for (const word of [SECRET, QUESTION, ANSWER, 'password', 'under the mat'])
      expect(text).not.toContain(word);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(8);
    expect(lines[0]).toMatchObject({
      v: 2,
      surface: 'chat',
      streamed: true,
      outcome: 'succeeded',
      servedBy: { deployment: 'one/quick', tier: 'primary' },
      usage: { promptTokens: 40, completionTokens: 12 },
      calls: [{ deployment: 'one/quick', outcome: 'succeeded', usage: { promptTokens: 40 } }],
    });
    expect(lines[6]).toMatchObject({
      servedBy: { deployment: 'two/spare' },
      calls: [
        { deployment: 'one/quick', outcome: 'failed', errorKind: 'server_error', status: 500 },
        { deployment: 'two/spare', outcome: 'succeeded' },
      ],
    });
    expect(lines[7]).toMatchObject({ outcome: 'rejected', errorCode: 'invalid_request', calls: [] });

    const config = join(directory, 'router.json');
    await writeFile(config, JSON.stringify(options(file)));
    let out = '';
    const io = {
      stdout: { write: (part: string) => (out += part) },
      stderr: { write: () => true },
      environment: {},
    };
    const argv = ['replay', '--config', config, '--trace', file, '--json'];
    expect(await runCli(argv, io)).toBe(0);
    const { report, notes } = JSON.parse(out) as { report: ReplayReport; notes: string[] };
    expect(report).toMatchObject({ requests: 7, succeeded: 7, floorViolations: 0 });
    expect(report.surfaces.chat).toMatchObject({ requests: 7, sloMs: 5_000 });
    expect(notes).toEqual(["1 requests that were refused for the caller's own fault are left out"]);
  });

  it('fails no request where it cannot be written, and is logged once', async () => {
    await writeFile(join(directory, 'file'), '');
    const logs = new LogCollector();
    router = await createRouterApp({
      platform,
      options: options(join(directory, 'file', 'requests.jsonl')),
      logger: logs,
    });
    expect((await ask(router, false)).status).toBe(200);
    expect((await ask(router, true)).status).toBe(200);
    await router.close();
    router = undefined;
    expect(logs.lines.filter((line) => /Request log: .* cannot be written/.test(line))).toHaveLength(1);
  });

  it('refuses bad options at the boot', () => {
    const broken = { ...options('x'), requestLog: { maxBytes: 10 } } as unknown as LlmRouterOptions;
    expect(() => checkLlmRouterOptions(broken)).toThrow(/requestLog\.file: .*\n.*requestLog\.maxBytes: /);
  });
});
