import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ModuleRef } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ConfigurationFile, type LlmRouterFeatureOptions } from './config/index.js';
import {
  LlmDeploymentHealthIndicator,
  LlmProviderHealthIndicator,
  LlmSurfaceHealthIndicator,
  ProviderProbe,
} from './health/index.js';
import { LlmRouterLifecycle } from './llm-router.lifecycle.js';
import {
  ConfigurableModuleClass,
  LLM_ROUTER_OPTIONS,
  type LlmRouterFileOptions,
} from './llm-router.module-definition.js';
import {
  discoveredClasses,
  enterInheritedSurface,
  FeatureSurfaces,
  OnLlmAlertExplorer,
  OPENAI_CLIENT,
  openAiClientProvider,
  SurfaceExplorer,
} from './nest/index.js';
import { LlmUpstreams } from './providers/llm-upstreams.js';
import { ProviderUpstreams } from './providers/provider-upstreams.js';
import { ConfigurationFileReload, RouterEngine, RouterRegistration, RouterService } from './router/index.js';

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
      inject: [LLM_ROUTER_OPTIONS, LlmUpstreams, DiscoveryService],
      useFactory: (options: unknown, upstreams: LlmUpstreams, discovery: DiscoveryService) => {
        for (const type of discoveredClasses(discovery)) enterInheritedSurface(type);
        return new RouterEngine(options, upstreams, surfacesOfFeatures(discovery));
      },
    },
    { provide: LlmUpstreams, useClass: ProviderUpstreams },
    SurfaceExplorer,
    OnLlmAlertExplorer,
    LlmRouterLifecycle,
    RouterService,
    RouterRegistration,
    openAiClientProvider,
    ProviderProbe,
    LlmProviderHealthIndicator,
    LlmDeploymentHealthIndicator,
    LlmSurfaceHealthIndicator,
  ],
  exports: [
    RouterService,
    LlmProviderHealthIndicator,
    LlmDeploymentHealthIndicator,
    LlmSurfaceHealthIndicator,
    OPENAI_CLIENT,
    RouterEngine,
  ],
})
export class LlmRouterModule extends ConfigurableModuleClass {
  /**
   * The router with a JSON or YAML file for its options, as {@link loadConfigurationFile} reads it; with `watch` it
   * follows the file while it runs: through editors that replace it, and through Kubernetes ConfigMaps.
   *
   * @example
   * ```ts
   * LlmRouterModule.forFile('/etc/llm-router/router.yaml', { isGlobal: true, watch: true })
   * ```
   */
  static forFile(file: string, { watch = false, ...extras }: LlmRouterFileOptions = {}): DynamicModule {
    const watchOptions = typeof watch === 'object' ? watch : {};
    // A bad one is refused here, and not in a stack trace of the injector.
    new ConfigurationFile(file, watchOptions);
    const router = this.forRootAsync({
      ...extras,
      inject: [ConfigurationFile],
      useFactory: (configuration: ConfigurationFile) => configuration.load(),
    });
    return {
      ...router,
      providers: [
        ...(router.providers ?? []),
        // Not a value: one for each application that is made of this module.
        { provide: ConfigurationFile, useFactory: () => new ConfigurationFile(file, watchOptions) },
        ...(watch === false ? [] : [ConfigurationFileReload]),
      ],
    };
  }

  /**
   * Surfaces beside the code of the feature that has them. They are read and proven together with those of `forRoot`;
   * a name configured twice stops the boot.
   *
   * @example
   * ```ts
   * @Module({
   *   imports: [LlmRouterModule.forFeature({ surfaces: { support: { qualityFloor: 0.6 } } })],
   *   controllers: [ChatController],
   * })
   * export class SupportModule {} // beside LlmRouterModule.forRoot with isGlobal: true
   * ```
   */
  static forFeature({ surfaces }: LlmRouterFeatureOptions): DynamicModule {
    return {
      module: LlmRouterFeatureModule,
      providers: [{ provide: Symbol('surfaces of a feature'), useValue: new FeatureSurfaces(surfaces) }],
    };
  }
}

/** Carries the surfaces of one feature; a module of its own, so that `forFeature` is no second router. */
@Module({})
export class LlmRouterFeatureModule {
  /** @internal */
  constructor(moduleRef: ModuleRef) {
    if (findEngine(moduleRef)?.isReady === true) {
      throw new Error(
        'LlmRouterModule.forFeature was loaded after the boot, when the proof over all surfaces had been made: ' +
          'configure the surfaces of lazily loaded modules in forRoot.',
      );
    }
  }
}

function findEngine(moduleRef: ModuleRef): RouterEngine | undefined {
  try {
    return moduleRef.get<RouterEngine, RouterEngine | undefined>(RouterEngine, { strict: false });
  } catch {
    return undefined;
  }
}

/** Values are there as soon as the modules are scanned, which is before any provider is made. */
function surfacesOfFeatures(discovery: DiscoveryService): unknown[] {
  return discovery
    .getProviders()
    .flatMap(({ instance }) => (instance instanceof FeatureSurfaces ? [instance.surfaces] : []));
}
