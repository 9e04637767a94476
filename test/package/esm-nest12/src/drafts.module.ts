import { Controller, Get, Module } from '@nestjs/common';
import { InjectOpenAI, LlmRouterModule, Surface } from 'nestjs-llm-router';
import type OpenAI from 'openai';

@Controller('draft')
export class DraftsController {
  constructor(@InjectOpenAI() private readonly client: OpenAI) {}

  /** By the official client, whose transport is the router. */
  @Surface('drafts')
  @Get()
  async draft(): Promise<{ answer: string | null | undefined; model: string | null }> {
    const { data, response } = await this.client.chat.completions
      .create({ model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] })
      .withResponse();
    return { answer: data.choices[0]?.message.content, model: response.headers.get('x-llm-model') };
  }
}

@Module({
  imports: [LlmRouterModule.forFeature({ surfaces: { drafts: { pin: 'gpt-4o-mini' } } })],
  controllers: [DraftsController],
})
export class DraftsModule {}
