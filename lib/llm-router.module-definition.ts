import {
  type ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  type DynamicModule,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import {
  type ConfigurationFileWatchOptions,
  type LlmRouterOptions,
  type MODULE_EXTRAS,
  refusalOfWhole,
} from './config/index.js';
import { ConfigurationError } from './errors/index.js';
import { LlmMetricsInterceptor, MetricsInterceptorOptions } from './nest/index.js';

/**
 * What `forRoot` and `forRootAsync` take beside the configuration.
 *
 * @publicApi
 */
export interface LlmRouterModuleExtras {
  /** Its providers can be injected everywhere, without importing the module again. @defaultValue false */
  readonly isGlobal?: boolean;
  /** {@link LlmMetricsInterceptor} on every handler of the application. @defaultValue false */
  readonly handlerMetrics?: boolean;
  /**
   * Where {@link LlmMetricsInterceptor} is used, the `x-llm-*` headers go onto the host's own responses.
   *
   * @defaultValue false
   */
  readonly answerHeaders?: boolean;
}

// Keyed by the list as well: a key that is missing there would be read as a part of the configuration.
const NO_EXTRAS: Required<LlmRouterModuleExtras> & Record<(typeof MODULE_EXTRAS)[number], boolean> = {
  isGlobal: false,
  handlerMetrics: false,
  answerHeaders: false,
};

const { ConfigurableModuleClass: BuiltModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<LlmRouterOptions>()
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createLlmRouterOptions')
    .setExtras(NO_EXTRAS, (definition, { isGlobal, handlerMetrics, answerHeaders }) => ({
      ...definition,
      global: isGlobal,
      providers: [
        ...(definition.providers ?? []),
        { provide: MetricsInterceptorOptions, useValue: new MetricsInterceptorOptions(answerHeaders) },
        ...(handlerMetrics ? [{ provide: APP_INTERCEPTOR, useClass: LlmMetricsInterceptor }] : []),
      ],
    }))
    .build();

export const LLM_ROUTER_OPTIONS = MODULE_OPTIONS_TOKEN;

export class ConfigurableModuleClass extends BuiltModuleClass {
  /**
   * The router with options that are there: for those that have to be waited for see `forRootAsync`.
   *
   * @throws {@link ConfigurationError} for a Promise and for nothing at all; what is in the options is read at the boot.
   */
  static override forRoot(options: LlmRouterModuleOptions): DynamicModule {
    // The builder copies the keys of what it gets: of a Promise none, which is an empty configuration.
    const message = refusalOfWhole(options);
    if (message !== undefined) throw new ConfigurationError([{ path: '', message }]);
    return super.forRoot(options);
  }
}

/**
 * What `useClass` and `useExisting` of `forRootAsync` name.
 *
 * @publicApi
 */
export interface LlmRouterOptionsFactory {
  createLlmRouterOptions(): LlmRouterOptions | Promise<LlmRouterOptions>;
}

/** @publicApi */
export type LlmRouterModuleOptions = LlmRouterOptions & LlmRouterModuleExtras;

/** @publicApi */
export type LlmRouterModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  LlmRouterOptions,
  'createLlmRouterOptions'
> &
  LlmRouterModuleExtras;

/**
 * What `forFile` takes beside the file.
 *
 * @publicApi
 */
export interface LlmRouterFileOptions extends LlmRouterModuleExtras {
  /**
   * Reconfigures the router whenever the file's content changes; true: with the defaults. A file that is bad or half
   * written changes nothing, and the log says why.
   *
   * @defaultValue false
   */
  readonly watch?: boolean | ConfigurationFileWatchOptions;
}
