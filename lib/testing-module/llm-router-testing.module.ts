import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import type { LlmRouterOptions } from '../config/index.js';
import { LlmRouterModule } from '../llm-router.module.js';
import { LlmUpstreams } from '../providers/llm-upstreams.js';
import { declaredSurfaces } from './declared-surfaces.js';
import { LlmRouterTesting } from './llm-router-testing.js';
import { testOptions } from './test-options.js';

/**
 * The router for the test of a controller or a service, with scripted models: all that {@link LlmRouterModule} gives,
 * everywhere, and {@link LlmRouterTesting} to script it. To test an application with its own configuration, put
 * {@link LlmRouterTesting} in the place of `LlmUpstreams` there.
 *
 * @example
 * ```ts
 * const module = await Test.createTestingModule({
 *   imports: [LlmRouterTestingModule.forRoot()],
 *   controllers: [ChatController],
 * }).compile();
 * const llm = module.get(LlmRouterTesting);
 * ```
 * @publicApi
 */
@Module({})
export class LlmRouterTestingModule {
  /**
   * @param options - As for `LlmRouterModule.forRoot`, over these defaults, key by key:
   * - `providers`: `openai`, `anthropic`, `gemini`;
   * - `routingRules`: `simple_queries` is gpt-4o-mini, then claude-haiku-4-5, then gemini-2.0-flash; `complex_reasoning`
   *   is gpt-4.1, then claude-sonnet-4-5, then gemini-2.0-flash. With `providers` or `models` of your own: what the router
   *   makes of them;
   * - `surfaces`: every `@Surface` on a class of the application, without floors. Give them to have floors, or for
   *   surfaces named by `runWith` or by a call's options alone.
   */
  static forRoot(options: LlmRouterOptions = {}): DynamicModule {
    const llm = new LlmRouterTesting();
    const router = LlmRouterModule.forRootAsync({
      isGlobal: true,
      imports: [DiscoveryModule],
      inject: [DiscoveryService],
      useFactory: (discovery: DiscoveryService) => testOptions(options, declaredSurfaces(discovery)),
    });
    // The last provider of a token is the one that is made: these come after the module's own.
    const providers = [...(router.providers ?? []), { provide: LlmUpstreams, useFactory: () => llm }];
    return {
      module: LlmRouterTestingModule,
      global: true,
      imports: [{ ...router, providers }],
      providers: [{ provide: LlmRouterTesting, useFactory: () => llm }],
      exports: [LlmRouterTesting],
    };
  }
}
