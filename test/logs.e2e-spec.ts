import { ConsoleLogger, type ConsoleLoggerOptions, type LoggerService } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const CANARY = /canary/i;
const QUESTION = { model: 'auto', messages: [{ role: 'user', content: 'Where is the canaryprompt?' }] };
const LEVELS = ['debug', 'log', 'warn', 'error', 'fatal'] as const;

/** Treats what it is given as `nestjs-pino` does: an object's fields are the line's, the last parameter is the context. */
class PinoLike implements LoggerService {
  readonly lines: Record<string, unknown>[] = [];

  log = this.at('info');
  error = this.at('error');
  warn = this.at('warn');
  debug = this.at('debug');
  verbose = this.at('trace');
  fatal = this.at('fatal');

  private at(level: string): (message: unknown, ...parameters: unknown[]) => void {
    return (message, ...parameters) => {
      const line: Record<string, unknown> = { level };
      if (parameters.length > 0) line.context = parameters.at(-1);
      if (typeof message === 'object') Object.assign(line, message);
      else line.msg = message;
      this.lines.push(JSON.parse(JSON.stringify(line)) as Record<string, unknown>);
    };
  }
}

describe.each(PLATFORMS)('the log, on %s', (platform) => {
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;
  let router: RouterApp;

  const options = (): LlmRouterOptions => ({
    providers: {
      one: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'CanaryKeyOne' },
      two: { api: 'openai', baseUrl: second.baseUrl, apiKey: 'CanaryKeyTwo' },
    },
    models: {
      quick: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 } },
      spare: { provider: 'two', price: { inputPer1M: 3, outputPer1M: 4 } },
    },
    routingRules: { simple_queries: { primary: 'quick', fallback: 'spare', maxLatencyMs: 30_000 } },
  });

  /** An answer, one after a fallback, and one that nobody gives. */
  async function work(logger: LoggerService): Promise<string[]> {
    router = await createRouterApp({ platform, options: options(), logger });
    const ids: string[] = [];
    const ask = async (): Promise<void> => {
      const response = await router.postJson('/v1/chat/completions', QUESTION, {
        'x-llm-tenant': 'canarytenant',
      });
      ids.push(response.headers.get('x-llm-decision-id') ?? response.headers.get('x-request-id') ?? '');
      await response.text();
    };
    await ask();
    first.failNext({ kind: 'status', status: 500 });
    await ask();
    first.failAlways({ kind: 'status', status: 500 });
    second.failAlways({ kind: 'status', status: 500 });
    await ask();
    return ids;
  }

  beforeEach(async () => {
    const reply = () => ({ text: 'Under the canarymat.', usage: { promptTokens: 40, completionTokens: 12 } });
    first = await createScriptedUpstream({ api: 'openai', reply });
    second = await createScriptedUpstream({ api: 'openai', reply });
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await router.close();
    await Promise.all([first.close(), second.close()]);
  });

  /** What Nest's own logger prints, by lines. */
  async function printed(loggerOptions: ConsoleLoggerOptions): Promise<{ lines: string[]; ids: string[] }> {
    let text = '';
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((piece) => {
        text += String(piece);
        return true;
      });
    }
    const ids = await work(new ConsoleLogger(loggerOptions));
    vi.restoreAllMocks();
    expect(text).not.toMatch(CANARY);
    return { lines: text.split('\n').filter((line) => line.includes('LlmRouterModule')), ids };
  }

  it('has a readable line a request in text: debug, and warn where nobody answered', async () => {
    const { lines, ids } = await printed({ colors: false });
    const of = (id: string | undefined): string[] => lines.filter((line) => line.includes(String(id)));
    expect(of(ids[0])).toHaveLength(1);
    expect(of(ids[0])[0]).toMatch(
      /DEBUG \[LlmRouterModule\] dec_\w+ answered by one\/quick \(primary\) after \d+ ms: surface none, class simple_queries, 1 call, 40\+12 tokens, \$0\.000064$/,
    );
    const [failed, answered, ...more] = of(ids[1]);
    expect(failed).toMatch(
      /WARN \[LlmRouterModule\] dec_\w+ attempt 1 at one\/quick: failed \(server_error 500/,
    );
    expect(answered).toMatch(
      /DEBUG .* answered by two\/spare \(secondary\) after \d+ ms: .*, 2 calls, fell back, /,
    );
    expect(more).toEqual([]);
    expect(of(ids[2]).at(-1)).toMatch(/WARN .* failed \(all_attempts_failed\) after \d+ ms: /);
    expect(lines.join('\n')).not.toMatch(/Object\(|\[object|LogLine/);
  });

  it('is JSON with sentence and fields where Nest is asked for JSON', async () => {
    const { lines, ids } = await printed({ json: true });
    const parsed = lines.map((line) => JSON.parse(line) as { level: string; message: unknown });
    const answered = parsed.find(({ message }) => (message as { decisionId?: string }).decisionId === ids[0]);
    expect(answered).toMatchObject({
      level: 'debug',
      message: {
        msg: expect.stringContaining(`${ids[0]} answered by one/quick`) as string,
        event: 'request',
        outcome: 'succeeded',
        deployment: 'one/quick',
        promptTokens: 40,
        fellBack: false,
      },
    });
  });

  it('has its fields beside the sentence in pino and its like, and no more levels than it should', async () => {
    const logger = new PinoLike();
    const ids = await work(logger);
    expect(JSON.stringify(logger.lines)).not.toMatch(CANARY);
    const ours = logger.lines.filter(({ context }) => context === 'LlmRouterModule');
    const requests = ours.filter(({ event }) => event === 'request');
    expect(requests).toMatchObject([
      { level: 'debug', decisionId: ids[0], outcome: 'succeeded', attempts: 1, costUsd: 0.000064 },
      {
        level: 'debug',
        decisionId: ids[1],
        outcome: 'succeeded',
        attempts: 2,
        fellBack: true,
        tier: 'secondary',
      },
      { level: 'warn', decisionId: ids[2], outcome: 'failed', errorCode: 'all_attempts_failed' },
    ]);
    for (const { msg } of ours) expect(msg).toEqual(expect.any(String));
    const attempts = ours.filter(({ event }) => event === 'attempt');
    expect(attempts[0]).toMatchObject({
      level: 'warn',
      decisionId: ids[1],
      errorKind: 'server_error',
      status: 500,
    });
    expect(
      Object.keys(requests[0]!).every((key) => !['error', 'stack', 'tenant', 'body'].includes(key)),
    ).toBe(true);
  });

  it('says nothing below the level that is asked for', async () => {
    const { lines } = await printed({
      colors: false,
      logLevels: LEVELS.filter((level) => level !== 'debug'),
    });
    expect(lines.some((line) => line.includes(' WARN '))).toBe(true);
    expect(lines.filter((line) => /DEBUG|answered by/.test(line))).toEqual([]);
  });
});
