import { Controller, Get, Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  LlmRouterHttpModule,
  LlmRouterModule,
  type LlmRouterOptions,
  type LlmRouterOptionsFactory,
  RouterService,
} from 'nestjs-llm-router';
import { createHostApp, type HostApp } from './support/host-app.js';
import { PLATFORMS } from './support/router-app.js';

/** Nothing is called in these tests: a plan says what a configuration has become. */
const OPTIONS: LlmRouterOptions = {
  providers: { local: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' } },
  models: { alpha: { provider: 'local' } },
  routingRules: { simple_queries: { primary: 'alpha' } },
};

const BAD_OPTIONS = {
  providers: { local: { api: 'opnai', baseUrl: 'nope' } },
  routingRules: { simple_queries: { primry: 'alpha' } },
  surfaces: { support: { qualityFlor: 1 } },
  execution: { maxAttempts: 0 },
} as unknown as LlmRouterOptions;

@Injectable()
class SettingsService {
  readonly options = OPTIONS;
}

@Module({ providers: [SettingsService], exports: [SettingsService] })
class SettingsModule {}

@Injectable()
class OptionsFactory implements LlmRouterOptionsFactory {
  constructor(private readonly settings: SettingsService) {}

  async createLlmRouterOptions(): Promise<LlmRouterOptions> {
    await Promise.resolve();
    return this.settings.options;
  }
}

@Module({ imports: [SettingsModule], providers: [OptionsFactory], exports: [OptionsFactory] })
class FactoryModule {}

@Controller('plan')
class PlanController {
  constructor(private readonly router: RouterService) {}

  @Get()
  show(): unknown {
    return this.router
      .explain({ messages: [{ role: 'user', content: 'What is the capital of France?' }] })
      .plan.attempts.map(({ model }) => model);
  }
}

/** A feature that uses the router and imports nothing for it. */
@Module({ controllers: [PlanController] })
class FeatureModule {}

const WAYS: readonly (readonly [
  string,
  (isGlobal: boolean) => ReturnType<typeof LlmRouterModule.forRootAsync>,
])[] = [
  ['forRoot', (isGlobal) => LlmRouterModule.forRoot({ ...OPTIONS, isGlobal })],
  [
    'forRootAsync with useFactory',
    (isGlobal) =>
      LlmRouterModule.forRootAsync({
        isGlobal,
        imports: [SettingsModule],
        inject: [SettingsService],
        useFactory: async (settings: SettingsService) => {
          await Promise.resolve();
          return settings.options;
        },
      }),
  ],
  [
    'forRootAsync with useClass',
    (isGlobal) =>
      LlmRouterModule.forRootAsync({ isGlobal, imports: [SettingsModule], useClass: OptionsFactory }),
  ],
  [
    'forRootAsync with useExisting',
    (isGlobal) =>
      LlmRouterModule.forRootAsync({ isGlobal, imports: [FactoryModule], useExisting: OptionsFactory }),
  ],
];

describe.each(PLATFORMS)('the module on %s', (platform) => {
  const opened: HostApp[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((host) => host.close()));
  });

  async function open(
    imports: Parameters<typeof createHostApp>[0]['imports'],
    controllers?: Type[],
  ): Promise<HostApp> {
    const host = await createHostApp({ platform, imports, controllers });
    opened.push(host);
    return host;
  }

  it.each(WAYS)('%s: the importing module injects the router', async (_name, router) => {
    const host = await open([router(false)], [PlanController]);
    expect((await host.send({ path: '/plan' })).json()).toEqual(['alpha']);
  });

  it.each(WAYS)('%s, global: every module injects the router', async (_name, router) => {
    const host = await open([FeatureModule, router(true)]);
    expect((await host.send({ path: '/plan' })).json()).toEqual(['alpha']);
  });

  it.each(WAYS)('%s, not global: a module that does not import it cannot', async (_name, router) => {
    await expect(open([FeatureModule, router(false)])).rejects.toThrow(/RouterService/);
  });

  it.each(WAYS)(
    '%s: the routes find the router, before it or after it, global or not',
    async (_name, router) => {
      for (const isGlobal of [false, true]) {
        for (const imports of [
          [router(isGlobal), LlmRouterHttpModule.register()],
          [LlmRouterHttpModule.register(), router(isGlobal)],
        ]) {
          const host = await open(imports);
          const models = (await host.send({ path: '/v1/models' })).json() as { data: { id: string }[] };
          expect(models.data.map(({ id }) => id)).toContain('alpha');
        }
      }
    },
  );

  it.each([
    ['forRoot', () => LlmRouterModule.forRoot(BAD_OPTIONS)],
    ['forRootAsync', () => LlmRouterModule.forRootAsync({ useFactory: () => Promise.resolve(BAD_OPTIONS) })],
  ])('%s: a bad configuration stops the boot with every problem at once', async (_name, router) => {
    const error = await open([router()]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    const { message, issues } = error as ConfigurationError;
    const paths = issues.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'providers.local.api',
        'providers.local.baseUrl',
        'routingRules.simple_queries.primry',
        'surfaces.support.qualityFlor',
        'execution.maxAttempts',
      ]),
    );
    for (const path of paths) expect(message).toContain(path);
    expect(message).toMatch(/did you mean `?"?primary/i);
    expect(message).toMatch(/did you mean `?"?qualityFloor/i);
  });

  it('a factory that fails stops the boot with its own error', async () => {
    const router = LlmRouterModule.forRootAsync({
      useFactory: () => Promise.reject(new Error('vault is sealed')),
    });
    await expect(open([router])).rejects.toThrow('vault is sealed');
  });
});

describe('the module without HTTP', () => {
  it('serves an application context: a script, a queue worker', async () => {
    @Module({ imports: [LlmRouterModule.forRoot(OPTIONS), LlmRouterHttpModule.register()] })
    class WorkerModule {}
    const app = await NestFactory.createApplicationContext(WorkerModule, {
      logger: false,
      abortOnError: false,
    });
    try {
      const router = app.get(RouterService, { strict: false });
      const { plan } = router.explain({ messages: [{ role: 'user', content: 'Hello' }] });
      expect(plan.attempts).toMatchObject([{ model: 'alpha' }]);
    } finally {
      await app.close();
    }
  });
});
