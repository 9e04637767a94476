import { type DynamicModule, Module } from '@nestjs/common';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';
import type { Sandbox } from 'nestjs-llm-router/testing';
import { SANDBOX, SandboxController } from './sandbox.controller.js';

/** A stand-alone OpenAI-compatible gateway: the router with all its routes. */
@Module({})
export class GatewayModule {
  static with(options: LlmRouterOptions): DynamicModule {
    return {
      module: GatewayModule,
      imports: [LlmRouterModule.forRoot(options), LlmRouterHttpModule.register({ ui: true })],
    };
  }

  /** The same with its options in a file, which it may follow while it runs. */
  static withFile(file: string, isWatched: boolean): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        LlmRouterModule.forFile(file, { watch: isWatched }),
        LlmRouterHttpModule.register({ ui: true }),
      ],
    };
  }

  /** The same over simulated providers, with routes that make them fail. */
  static withSandbox(sandbox: Sandbox): DynamicModule {
    return {
      ...GatewayModule.with(sandbox.config),
      controllers: [SandboxController],
      providers: [{ provide: SANDBOX, useValue: sandbox }],
    };
  }
}
