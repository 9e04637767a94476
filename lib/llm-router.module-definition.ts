import { type ConfigurableModuleAsyncOptions, ConfigurableModuleBuilder } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { LlmRouterOptions } from './config/index.js';
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

const NO_EXTRAS: Required<LlmRouterModuleExtras> = {
  isGlobal: false,
  handlerMetrics: false,
  answerHeaders: false,
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: LLM_ROUTER_OPTIONS } =
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
