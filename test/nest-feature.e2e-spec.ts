import { Controller, Get, Module } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  LlmRouterModule,
  type LlmRouterOptions,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createHostApp } from './support/host-app.js';

const options: LlmRouterOptions = {
  providers: { upstream: { api: 'openai', baseUrl: 'http://127.0.0.1:9/v1' } },
  routingRules: { simple_queries: { primary: 'gpt-3.5-turbo', fallback: 'gpt-4o-mini' } },
  surfaces: { reports: { workload: 'background' } },
};

@Controller('chat')
class ChatController {
  constructor(private readonly router: RouterService) {}

  @Surface('support')
  @Get()
  explain(): unknown {
    const { surface, plan } = this.router.explain({ messages: [{ role: 'user', content: 'Hello?' }] });
    return { surface, models: plan.attempts.map(({ model }) => model) };
  }
}

@Module({
  imports: [LlmRouterModule.forFeature({ surfaces: { support: { qualityFloor: 'gpt-4' } } })],
  controllers: [ChatController],
})
class SupportModule {}

const sync = (raw: LlmRouterOptions = options): ReturnType<typeof LlmRouterModule.forRoot> =>
  LlmRouterModule.forRoot({ ...raw, isGlobal: true });

async function issuesOf(boot: Promise<unknown>): Promise<ConfigurationError['issues']> {
  const error: unknown = await boot.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return (error as ConfigurationError).issues;
}

describe('LlmRouterModule.forFeature', () => {
  it.each([
    ['forRoot after it', [SupportModule, sync()]],
    ['forRoot before it', [sync(), SupportModule]],
    [
      'forRootAsync',
      [SupportModule, LlmRouterModule.forRootAsync({ isGlobal: true, useFactory: () => options })],
    ],
    [
      'a file in another spelling, without surfaces of its own',
      [SupportModule, sync({ providers: options.providers, routing_rules: options.routingRules })],
    ],
  ])('puts a feature’s surfaces beside those of %s', async (_name, imports) => {
    const host = await createHostApp({ platform: 'express', imports });
    const answer = await host.send({ path: '/chat' });
    // The floor holds: gpt-3.5-turbo is under gpt-4.
    expect(answer.json()).toEqual({ surface: 'support', models: ['gpt-4o-mini'] });
    await host.close();
  });

  it('of two applications in one process does not mix', async () => {
    const withFeature = await createHostApp({ platform: 'express', imports: [sync(), SupportModule] });
    const without = await createHostApp({ platform: 'express', imports: [sync()] });
    const ask = (app: typeof without): unknown =>
      app.app
        .get(RouterService)
        .explain({ messages: [{ role: 'user', content: 'Hello?' }] }, { surface: 'support' });
    expect(() => ask(without)).toThrow(/names no configured surface/);
    expect(ask(withFeature)).toMatchObject({ surface: 'support' });
    await Promise.all([withFeature.close(), without.close()]);
  });

  it('is proven with the rest: every problem of every feature at once', async () => {
    const feature = (surfaces: Record<string, object>): ReturnType<typeof LlmRouterModule.forFeature> =>
      LlmRouterModule.forFeature({ surfaces });
    const issues = await issuesOf(
      createHostApp({
        platform: 'express',
        imports: [
          sync(),
          feature({ legal: { qualityFloor: 0.99 } }),
          feature({ triage: { qualityFlor: 0.5 } }),
        ],
      }),
    );
    expect(issues.map(({ path }) => path).sort()).toEqual(['surfaces.legal', 'surfaces.triage.qualityFlor']);
  });

  it('refuses a surface that is configured twice', async () => {
    const twice = LlmRouterModule.forFeature({ surfaces: { reports: {} } });
    const issues = await issuesOf(createHostApp({ platform: 'express', imports: [sync(), twice] }));
    expect(issues).toEqual([
      { path: 'surfaces.reports', message: expect.stringContaining('configured twice') as string },
    ]);
  });

  it('refuses what is no object', async () => {
    const wrong = LlmRouterModule.forFeature({ surfaces: ['support'] as never });
    const issues = await issuesOf(createHostApp({ platform: 'express', imports: [sync(), wrong] }));
    expect(issues[0]?.path).toBe('forFeature');
  });
});
