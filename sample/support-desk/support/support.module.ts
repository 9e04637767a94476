import { Module } from '@nestjs/common';
import { LlmRouterModule } from 'nestjs-llm-router';
import { ChatController } from './chat.controller.js';

/** Customers read these answers while they are written: good ones, and soon. */
@Module({
  imports: [
    LlmRouterModule.forFeature({
      surfaces: {
        support: {
          qualityFloor: 'gpt-4.1-mini', // at least as good as
          workload: 'interactive',
          latencySloMs: 1500, // to the first word, as the answer is streamed
          maxCostPerRequest: 0.02,
          maxOutputTokens: 800,
        },
      },
    }),
  ],
  controllers: [ChatController],
})
export class SupportModule {}
