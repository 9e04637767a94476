import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { LlmProviderHealthIndicator } from './health/index.js';
import { LlmRouterLifecycle } from './llm-router.lifecycle.js';
import { ConfigurableModuleClass, LLM_ROUTER_OPTIONS } from './llm-router.module-definition.js';
import { SurfaceExplorer } from './nest/index.js';
import { LlmUpstreams } from './providers/llm-upstreams.js';
import { ProviderUpstreams } from './providers/provider-upstreams.js';
import { RouterEngine, RouterService } from './router/index.js';

/**
 * The router in a Nest application: `forRoot(options)` or `forRootAsync({ useFactory | useClass | useExisting })`,
 * each with `isGlobal`. Adds no route, pipe, guard or interceptor; for routes see {@link LlmRouterHttpModule}.
 *
 * A configuration that cannot work stops the boot with a {@link ConfigurationError} that lists every problem.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     LlmRouterModule.forRootAsync({
 *       isGlobal: true,
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => config.get('llm'),
 *     }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 * @publicApi
 */
@Module({
  imports: [DiscoveryModule, TerminusModule],
  providers: [
    {
      provide: RouterEngine,
      inject: [LLM_ROUTER_OPTIONS, LlmUpstreams],
      useFactory: (options: unknown, upstreams: LlmUpstreams) => new RouterEngine(options, upstreams),
    },
    { provide: LlmUpstreams, useClass: ProviderUpstreams },
    SurfaceExplorer,
    LlmRouterLifecycle,
    RouterService,
    LlmProviderHealthIndicator,
  ],
  exports: [RouterService, LlmProviderHealthIndicator, RouterEngine],
})
export class LlmRouterModule extends ConfigurableModuleClass {}
