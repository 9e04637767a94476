import { Controller, Get } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LlmRouterErrorFilter, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

@Controller('host')
class HostController {
  constructor(private readonly router: RouterService) {}

  @Get('ask')
  async ask(): Promise<string | null | undefined> {
    const completion = await this.router.chat({ messages: [{ role: 'user', content: 'hello' }] });
    return completion.choices[0]?.message.content;
  }

  @Get('broken')
  broken(): never {
    throw new TypeError('not ours');
  }
}

describe.each(PLATFORMS)('LlmRouterErrorFilter on %s', (platform) => {
  let upstream: ScriptedUpstream;
  let router: RouterApp;

  beforeEach(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    router = await createRouterApp({
      platform,
      http: false,
      options: {
        providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
        // Otherwise the router itself would wait.
        execution: { maxAttempts: 1 },
      },
      controllers: [HostController],
      configure: (app) => app.useGlobalFilters(new LlmRouterErrorFilter()),
    });
  });

  afterEach(async () => {
    await router.close();
    await upstream.close();
  });

  it("answers a router error of the host's controller with its status, shape and Retry-After", async () => {
    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    const response = await router.fetch('/host/ask');
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toMatchObject({ error: { code: 'rate_limit_exceeded', param: null } });
  });

  it('leaves every other error and answer to the host', async () => {
    const broken = await router.fetch('/host/broken');
    expect(broken.status).toBe(500);
    expect(await broken.json()).toMatchObject({ statusCode: 500 });
    const answered = await router.fetch('/host/ask');
    expect(answered.status).toBe(200);
    expect(await answered.text()).toContain('simulated');
  });
});
