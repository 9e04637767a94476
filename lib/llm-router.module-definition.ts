import { type ConfigurableModuleAsyncOptions, ConfigurableModuleBuilder } from '@nestjs/common';
import type { LlmRouterOptions } from './config/index.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: LLM_ROUTER_OPTIONS } =
  new ConfigurableModuleBuilder<LlmRouterOptions>()
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createLlmRouterOptions')
    .setExtras({ isGlobal: false }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
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
export type LlmRouterModuleOptions = LlmRouterOptions & { readonly isGlobal?: boolean };

/** @publicApi */
export type LlmRouterModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  LlmRouterOptions,
  'createLlmRouterOptions'
> & { readonly isGlobal?: boolean };
