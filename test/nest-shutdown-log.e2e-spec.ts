import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LlmRouterModule, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';
import { LogCollector } from './support/log-collector.js';

const REQUEST = { messages: [{ role: 'user' as const, content: 'hello' }] };

describe('the log of a shutdown', () => {
  let upstream: ScriptedUpstream;
  let host: HostApp;
  let logs: LogCollector;

  beforeEach(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    logs = new LogCollector();
    host = await createHostApp({
      platform: 'express',
      nest: { logger: logs },
      imports: [
        LlmRouterModule.forRoot({
          isGlobal: true,
          providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
          routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
          shutdown: { graceMs: 50 },
        }),
      ],
    });
  });

  afterEach(async () => {
    await upstream.heal();
    await upstream.close();
  });

  const ask = async (count: number): Promise<PromiseSettledResult<unknown>[]> => {
    upstream.setLatency({ timeToFirstTokenMs: 60_000, tokensPerSecond: Infinity });
    const router = host.app.get(RouterService);
    const asked = Array.from({ length: count }, () => router.chat(REQUEST));
    const settled = Promise.allSettled(asked);
    await upstream.whenRequests(count);
    await host.close();
    return settled;
  };

  const shutdownLines = (): string[] => logs.lines.filter((line) => line.startsWith('Shutting down'));

  it('says how many requests it waits for, and how many it has ended', async () => {
    const answers = await ask(2);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(shutdownLines()).toEqual([
      'Shutting down: waiting up to 0.05 s for 2 requests LlmRouterModule',
      'Shutting down: ended 2 requests not finished in 0.05 s LlmRouterModule',
    ]);
    expect(logs.warnings).toContain(shutdownLines()[1]);
  });

  it('says one request for one', async () => {
    await ask(1);
    expect(shutdownLines()[0]).toContain('for 1 request ');
  });

  it('says nothing where there is nothing to wait for', async () => {
    await host.app.get(RouterService).chat(REQUEST);
    await host.close();
    expect(shutdownLines()).toEqual([]);
  });
});
