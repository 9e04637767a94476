import { Module } from '@nestjs/common';
import { LlmRouterModule } from 'nestjs-llm-router';
import { EmailDraftController } from './email-draft.controller.js';

/** Drafts are read and mended by a colleague before they go out: a cheap model will do. */
@Module({
  imports: [
    LlmRouterModule.forFeature({
      surfaces: {
        drafts: { qualityFloor: 0.4, latencySloMs: 8000, maxCostPerRequest: 0.005, maxOutputTokens: 500 },
      },
    }),
  ],
  controllers: [EmailDraftController],
})
export class DraftsModule {}
