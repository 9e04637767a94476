import { Module, ValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { LlmRouterErrorFilter, LlmRouterModule } from 'nestjs-llm-router';
import { DraftsModule } from './drafts/drafts.module.js';
import { HealthModule } from './health/health.module.js';
import { PageModule } from './page/page.module.js';
import { routing } from './routing.js';
import { SupportModule } from './support/support.module.js';

/**
 * The application. What the models are for is said here; what each feature needs of them, beside the feature. The
 * providers come from the environment: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, `GEMINI_API_KEY`, as many as there are.
 */
@Module({
  imports: [
    LlmRouterModule.forRoot({ isGlobal: true, ...routing }),
    SupportModule,
    DraftsModule,
    HealthModule,
    PageModule,
  ],
  providers: [
    {
      provide: APP_PIPE,
      useFactory: () => new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }),
    },
    { provide: APP_FILTER, useClass: LlmRouterErrorFilter },
  ],
})
export class AppModule {}
