import { type DynamicModule, Module } from '@nestjs/common';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';
import { AskController } from './ask.controller.js';
import { DraftsModule } from './drafts.module.js';

@Module({})
export class AppModule {
  static with(options: LlmRouterOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LlmRouterModule.forRoot({ ...options, isGlobal: true }),
        LlmRouterHttpModule.register({ openAiApi: true, admin: true, metrics: true, health: true, path: '' }),
        DraftsModule,
      ],
      controllers: [AskController],
    };
  }
}
