import { type DynamicModule, Module } from '@nestjs/common';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';

/** A stand-alone OpenAI-compatible gateway: the router with all its routes. */
@Module({})
export class GatewayModule {
  static with(options: LlmRouterOptions): DynamicModule {
    return {
      module: GatewayModule,
      imports: [LlmRouterModule.forRoot(options), LlmRouterHttpModule.register()],
    };
  }
}
