import { ApplicationConfig } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { LlmRouterModule } from 'nestjs-llm-router';
import { createHostApp, type HostApp } from './support/host-app.js';
import { createHostileHost } from './support/hostile-host.js';
import { PLATFORMS, type Platform } from './support/router-app.js';

interface ExpressLayer {
  readonly name: string;
  readonly route?: { readonly path: string; readonly methods: object };
}

/** Everything the platform would run for a request: on Express its middleware too, in their order. */
function routeTable(platform: Platform, { app }: HostApp): unknown {
  const instance = app.getHttpAdapter().getInstance() as unknown as {
    readonly router: { readonly stack: readonly ExpressLayer[] };
    printRoutes(options: object): string;
  };
  if (platform === 'fastify') return instance.printRoutes({ includeHooks: true, commonPrefix: false });
  return instance.router.stack.map(({ name, route }) =>
    route === undefined ? name : `${Object.keys(route.methods).join()} ${route.path}`,
  );
}

/** What Nest runs around every handler. */
function globalEnhancers({ app }: HostApp): Record<string, number> {
  const { config } = app as unknown as { readonly config: ApplicationConfig };
  return {
    pipes: config.getGlobalPipes().length + config.getGlobalRequestPipes().length,
    filters: config.getGlobalFilters().length + config.getGlobalRequestFilters().length,
    interceptors: config.getGlobalInterceptors().length + config.getGlobalRequestInterceptors().length,
    guards: config.getGlobalGuards().length + config.getGlobalRequestGuards().length,
  };
}

describe.each(PLATFORMS)('importing LlmRouterModule alone on %s', (platform) => {
  let upstream: ScriptedUpstream;
  const opened: HostApp[] = [];

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
  });

  afterAll(async () => {
    await Promise.all(opened.map((host) => host.close()));
    await upstream.close();
  });

  async function open(host: Promise<HostApp>): Promise<HostApp> {
    opened.push(await host);
    return host;
  }

  const options = () => ({
    providers: { upstream: { api: 'openai' as const, baseUrl: upstream.baseUrl } },
    routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
  });

  it('adds no route, hook, middleware, pipe, filter, interceptor or guard to an empty application', async () => {
    const before = await open(createHostApp({ platform }));
    const after = await open(
      createHostApp({ platform, imports: [LlmRouterModule.forRoot({ ...options(), isGlobal: true })] }),
    );
    expect(routeTable(platform, after)).toEqual(routeTable(platform, before));
    expect(globalEnhancers(after)).toEqual(globalEnhancers(before));
    expect(Object.values(globalEnhancers(after))).toEqual([0, 0, 0, 0]);
  });

  it('adds none to a hostile host but the interceptor that was asked for', async () => {
    const before = await open(createHostileHost({ platform, upstream, router: 'none', routes: [] }));
    const after = await open(createHostileHost({ platform, upstream, router: 'imported', routes: [] }));
    expect(routeTable(platform, after)).toEqual(routeTable(platform, before));
    const enhancers = globalEnhancers(before);
    // `handlerMetrics: true`
    expect(globalEnhancers(after)).toEqual({ ...enhancers, interceptors: enhancers.interceptors! + 1 });
  });
});
